//! Failures: dead letters by sink, reason and mapping, with the platform's words, the trend, samples and the likely remedy; and
//! the acts on them.

mod acts;
mod data;
mod html;
mod read;
mod remedies;

use maud::Markup;
use signalbox_admin::Caller;

pub(crate) use self::acts::{DiscardLetters, RetryLetters};
pub(crate) use self::data::Failures;
use self::data::Query;
use crate::problem::Problem;
use crate::state::Page;
use crate::view::View;

impl View for Failures {
    const NAME: &'static str = "failures";
    const TITLE: &'static str = "Failures";
    const ABOUT: &'static str = "Dead letters by sink, reason and mapping, with the platform's words, the trend, samples and the likely remedy.";
    type Query = Query;

    async fn read(page: &Page, _: &Caller, query: Query) -> Result<Failures, Problem> {
        read::failures(page, &query).await
    }

    fn html(&self, query: &Query, caller: &Caller) -> Markup {
        html::failures(self, query, caller)
    }
}
