//! Facts about the visitor in the head of a request: Global Privacy Control, a place, click ids.

use std::sync::LazyLock;

use http::HeaderMap;
use signalbox_conversions::place::Place;
use signalbox_core::{Event, Path, Scalar, Warning};

use crate::click_ids::{ClickIds, takes_members};
use crate::settings::Settings;

static PRIVACY: LazyLock<Path> = LazyLock::new(|| Path::new("context.privacy"));
static GPC: LazyLock<Path> = LazyLock::new(|| Path::new("context.privacy.gpc"));

/// The visitor of a request.
#[derive(Default)]
pub(crate) struct Visitor<'h> {
    gpc: bool,
    place: Option<Place<'h>>,
    click_ids: Option<ClickIds<'h>>,
}

impl<'h> Visitor<'h> {
    /// Reads the head of a request. `trusted` is true for a trusted proxy's.
    pub(crate) fn of(headers: &'h HeaderMap, trusted: bool, settings: &Settings) -> Visitor<'h> {
        Visitor {
            gpc: headers
                .get("sec-gpc")
                .is_some_and(|value| value.as_bytes().trim_ascii() == b"1"),
            place: settings
                .trusted_headers
                .as_ref()
                .filter(|_| trusted)
                .and_then(|trusted| trusted.place(headers)),
            click_ids: settings.click_ids.then(|| ClickIds::of(headers)),
        }
    }

    /// Adds to an event. The signal of an opt-out counts for every event of the request; the place and the ids only for
    /// events of the visitor's device.
    pub(crate) fn complete(&self, event: &mut Event) {
        if self.gpc {
            if !takes_members(event, &PRIVACY) {
                event.facts_mut().warnings.push(Warning::new(
                    "privacy_replaced",
                    "context.privacy",
                    "was no object; Global Privacy Control took its place",
                ));
            }
            event.set(&GPC, Scalar::Bool(true));
        }
        if self.place.is_none() && self.click_ids.is_none() {
            return;
        }
        let channel = event.root().get("channel").and_then(|channel| channel.as_str());
        let (is_browser, is_device) = (
            channel == Some("browser"),
            matches!(channel, Some("browser" | "mobile")),
        );
        if let Some(place) = self.place.filter(|_| is_device) {
            place.fill(event);
        }
        if let Some(ids) = self.click_ids.as_ref().filter(|_| is_browser) {
            ids.complete(event);
        }
    }
}
