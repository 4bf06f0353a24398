//! The contracts of views and acts: data that the page shows, and requests that it sends.

use std::future::Future;

use maud::Markup;
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use signalbox_admin::{Caller, Deed};

use crate::problem::Problem;
use crate::state::Page;

/// A view of the router: `GET /ui/NAME` shows it, `GET /api/NAME` answers its data. Both take the same query.
pub(crate) trait View: Serialize + JsonSchema + Send + Sized + 'static {
    /// The name in both paths.
    const NAME: &'static str;
    /// The title of the page, and the link in the menu.
    const TITLE: &'static str;
    /// A sentence about the data, for the API's description.
    const ABOUT: &'static str;
    /// True if the menu has a link to it.
    const IN_MENU: bool = true;

    /// The query of both paths. It refuses unknown keys.
    type Query: DeserializeOwned + JsonSchema + Clone + Send + Sync + 'static;

    /// Reads the data.
    ///
    /// # Errors
    /// The status and the sentence that the caller gets instead.
    fn read(
        page: &Page,
        caller: &Caller,
        query: Self::Query,
    ) -> impl Future<Output = Result<Self, Problem>> + Send;

    /// Returns the address that the page leads to instead: one without an id that looks personal. Default: there is none.
    fn elsewhere(_page: &Page, _query: &Self::Query) -> Option<String> {
        None
    }

    /// Makes a table for spreadsheets if the query asks for one; `/api/NAME` answers it then. Default: there is none.
    fn csv(&self, _query: &Self::Query) -> Option<String> {
        None
    }

    /// Makes the main part of the page, from its heading on.
    fn html(&self, query: &Self::Query, caller: &Caller) -> Markup;
}

/// Something that the page does: `POST /api/NAME` with a body of JSON and the header `X-Signalbox`.
///
/// Forms marked `data-act` send it from the page: their fields become the members of the body.
pub(crate) trait Act: DeserializeOwned + JsonSchema + Send + Sized + 'static {
    /// The name in the path.
    const NAME: &'static str;
    /// A sentence for the API's description.
    const ABOUT: &'static str;

    /// The word for it in the audit log; `None` if it only reads, so that the role `read` may send it too.
    const WORD: Option<&'static str>;

    /// The answer. The page shows its member `message`, a sentence.
    type Answer: Serialize + JsonSchema;

    /// Carries it out.
    ///
    /// # Errors
    /// The status and the sentence that the caller gets instead.
    fn act(self, page: &Page, caller: &Caller) -> impl Future<Output = Result<Self::Answer, Problem>> + Send;

    /// Makes the report for the audit log of an act that was carried out: counts, and the component it was limited to.
    fn deed(_answer: &Self::Answer) -> Deed {
        Deed::default()
    }
}
