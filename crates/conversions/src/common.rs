//! Values that every vendor works out of the same places of an event.

use bumpalo::Bump;
use signalbox_core::Answer;
use signalbox_segment::placeholder::placeholder;
use signalbox_segment::value::Value;

use crate::encode::TextKind;
use crate::lookups::{LookupPath, Lookups, index};
use crate::personal::split_name;
use crate::usable::says_something;
use crate::vendor::Resolved;
use crate::{device, page};

/// Indices of these places in a vendor's table of places.
#[derive(Debug, Clone, Copy)]
pub struct CommonPlaces {
    app: usize,
    ad_tracking: usize,
    device_type: usize,
    os_name: usize,
    search: [usize; 2],
    url: [usize; 2],
    name: [usize; 2],
    products: usize,
}

impl CommonPlaces {
    /// Finds the places, for constants. The compiler refuses a table that lacks one.
    pub const fn of(places: &[LookupPath]) -> CommonPlaces {
        CommonPlaces {
            app: index(places, "context.app"),
            ad_tracking: index(places, "context.device.adTrackingEnabled"),
            device_type: index(places, "context.device.type"),
            os_name: index(places, "context.os.name"),
            search: [
                index(places, "context.page.search"),
                index(places, "properties.search"),
            ],
            url: [index(places, "context.page.url"), index(places, "properties.url")],
            name: [index(places, "traits.name"), index(places, "context.traits.name")],
            products: index(places, "properties.products"),
        }
    }

    /// Returns the given name in a person's whole name; `properties.name` is a page's or a product's.
    #[inline]
    pub fn first_name(self, lookups: Lookups<'_>) -> Option<&str> {
        self.names(lookups).0
    }

    /// Returns the family name in a person's whole name.
    #[inline]
    pub fn last_name(self, lookups: Lookups<'_>) -> Option<&str> {
        self.names(lookups).1
    }

    /// Returns the parts of the first whole name that has some. A placeholder in place of all names counts as a given name, of
    /// which the sink warns.
    #[inline]
    fn names(self, lookups: Lookups<'_>) -> (Option<&str>, Option<&str>) {
        let mut nobody = None;
        for name in self.name.into_iter().filter_map(|place| lookups.text(place)) {
            match split_name(name) {
                (None, None) => nobody = nobody.or(Some(name).filter(|name| placeholder(name).is_some())),
                parts => return parts,
            }
        }
        (nobody, None)
    }

    /// Returns the mobile platform, see [`device::mobile_platform`].
    #[inline]
    pub fn mobile_platform(self, lookups: Lookups<'_>) -> Option<&'static str> {
        let has_app = !lookups.at(self.app).is_nullish();
        device::mobile_platform(
            lookups.text(self.device_type),
            has_app,
            lookups.text(self.os_name),
        )
    }

    /// Returns `context.device.adTrackingEnabled`.
    #[inline]
    pub fn ad_tracking(self, lookups: Lookups<'_>) -> Option<bool> {
        device::flag(lookups.at(self.ad_tracking))
    }

    /// Returns true, with a warning, for the advertising id of a device whose user allows no tracking. An id that the
    /// configuration maps from elsewhere is its own choice. `field` is the field's path in the payload.
    pub fn is_untracked(self, resolved: &mut Resolved<'_, '_>, id: Value<'_>, field: &str) -> bool {
        let by_default = id.is_defined() && resolved.sources(field).next().is_some();
        let off = by_default && self.ad_tracking(resolved.lookups) == Some(false);
        if off {
            let message = "left out: the device's user allows no tracking";
            resolved.warn("opted_out", field, message);
        }
        off
    }

    /// Returns the address of the page, which the SDK puts into the context, and a `page` call into its properties as well.
    #[inline]
    pub fn page_url<'a>(self, lookups: Lookups<'a>) -> Option<&'a str> {
        let [context, properties] = self.url;
        let is_url = |url: &&str| page::host(url).is_some();
        let of_context = lookups.text(context);
        of_context
            .filter(is_url)
            .or_else(|| lookups.text(properties).filter(is_url))
            .or(of_context)
    }

    /// Returns the first usable value of a parameter of one of these names in the page's query, which stands in
    /// `context.page.search`, `context.page.url`, `properties.search` or `properties.url`.
    #[inline]
    pub fn query_parameter<'a>(
        self,
        lookups: Lookups<'a>,
        names: &[&str],
        arena: &'a Bump,
    ) -> Option<&'a str> {
        let usable = |value: &&str| says_something(value, TextKind::Id);
        self.search.into_iter().zip(self.url).find_map(|(search, url)| {
            let (search, url) = (lookups.at(search).as_str(), lookups.at(url).as_str());
            names.iter().find_map(|name| {
                let of_search = search.and_then(|search| page::query_parameter(search, name, arena));
                of_search
                    .filter(usable)
                    .or_else(|| page::url_parameter(url?, name, arena).filter(usable))
            })
        })
    }

    /// Returns true if the event has a list of products. An event of a single product says how many or nothing.
    #[inline]
    pub fn has_products(self, lookups: Lookups<'_>) -> bool {
        !lookups.at(self.products).is_nullish()
    }
}

/// Indices of the places around a page that may hold a click id, in a vendor's table of places.
#[derive(Debug, Clone, Copy)]
pub struct ClickPlaces {
    common: CommonPlaces,
    search: usize,
    referrer: usize,
}

impl ClickPlaces {
    /// Finds the places, for constants. The compiler refuses a table that lacks one.
    pub const fn of(places: &[LookupPath]) -> ClickPlaces {
        ClickPlaces {
            common: CommonPlaces::of(places),
            search: index(places, "context.page.search"),
            referrer: index(places, "context.page.referrer"),
        }
    }

    /// Returns the click id of this name, see [`page::click_id`].
    pub fn click_id<'a>(self, name: &str, lookups: Lookups<'a>, arena: &'a Bump) -> Option<&'a str> {
        let [search, referrer] = [self.search, self.referrer].map(|place| lookups.text(place));
        page::click_id(name, self.common.page_url(lookups), search, referrer, arena)
    }
}

/// Indices of the places by which a user opts out of advertising, in a vendor's table of places.
#[derive(Debug, Clone, Copy)]
pub struct AdvertisingPlaces {
    tracking: usize,
    consent: [(usize, &'static str); 2],
}

impl AdvertisingPlaces {
    /// Finds the places, for constants. The compiler refuses a table that lacks one.
    pub const fn of(places: &[LookupPath]) -> AdvertisingPlaces {
        const CONSENT: [&str; 2] = [
            "context.consent.categoryPreferences.Advertising",
            "context.consent.categoryPreferences.advertising",
        ];
        AdvertisingPlaces {
            tracking: index(places, "context.device.adTrackingEnabled"),
            consent: [
                (index(places, CONSENT[0]), CONSENT[0]),
                (index(places, CONSENT[1]), CONSENT[1]),
            ],
        }
    }

    /// Returns true if the device forbids tracking, or the user has not agreed to advertising. A consent that says neither
    /// yes nor no is none.
    pub fn is_refused(self, lookups: Lookups<'_>) -> bool {
        let not_given = |(place, _)| {
            let answer = device::answer(lookups.at(place));
            matches!(answer, Answer::No | Answer::Unknown)
        };
        device::flag(lookups.at(self.tracking)) == Some(false) || self.consent.into_iter().any(not_given)
    }

    /// Warns of answers that say neither yes nor no.
    pub fn tell_unknown(self, resolved: &mut Resolved<'_, '_>) {
        let lookups = resolved.lookups;
        let is_unknown = |place| device::answer(lookups.at(place)) == Answer::Unknown;
        for (_, path) in self.consent.into_iter().filter(|(place, _)| is_unknown(*place)) {
            let message = "neither yes nor no; it counts as an opt-out";
            resolved.warn("opt_out_unreadable", path, message);
        }
        // Where a field takes the answer, the schema has told already.
        if is_unknown(self.tracking) && !resolved.has_dropped("tracking_enabled") {
            let message = "neither yes nor no; it counts as no answer";
            resolved.warn("wrong_type", "context.device.adTrackingEnabled", message);
        }
    }
}

/// Returns a text as a value; undefined if there is none.
#[inline]
pub fn text_value(text: Option<&str>) -> Value<'_> {
    text.map(Value::Str).into()
}
