//! The transform: one look-up for each event.

use std::sync::LazyLock;

use signalbox_conversions::client::public_address;
use signalbox_core::{Event, Flow, Kind, Path, Transform};

use crate::reasons;
use crate::renewal::Renewed;

static IP: LazyLock<Path> = LazyLock::new(|| Path::new("context.ip"));
static LOCATION: LazyLock<Path> = LazyLock::new(|| Path::new("context.location"));

/// Fills `context.location`.
pub(crate) struct GeoIp {
    database: Renewed,
}

impl GeoIp {
    pub(crate) fn new(database: Renewed) -> GeoIp {
        GeoIp { database }
    }
}

impl Transform for GeoIp {
    fn apply(&self, event: &mut Event) -> Flow {
        let address = event
            .get(&IP)
            .and_then(|node| public_address(node.as_str()?)?.parse().ok());
        let Some(address) = address else {
            return Flow::Pass;
        };
        let database = self.database.current();
        let Some(place) = database.place(address) else {
            return Flow::Pass;
        };
        match event.get(&LOCATION).map(|node| node.kind()) {
            None | Some(Kind::Object | Kind::Null) => {
                place.fill(event);
            }
            Some(kind) => {
                let warning = reasons::location_is_no_object(kind.name());
                event.facts_mut().warn_once(warning);
            }
        }
        Flow::Pass
    }
}
