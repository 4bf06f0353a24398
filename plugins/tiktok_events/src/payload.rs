//! Parts of the payload that a mapping gave, for all kinds of event sources.

pub(crate) use signalbox_conversions::client::trimmed;
use signalbox_conversions::encode::member_at;
use signalbox_segment::value::Value;

use crate::options::TikTok;
use crate::wire::Layout;

/// A coerced payload and the form of its event.
#[derive(Clone, Copy)]
pub(crate) struct Payload<'a> {
    pub(crate) layout: &'static Layout,
    pub(crate) value: Value<'a>,
}

impl<'a> Payload<'a> {
    pub(crate) fn of(vendor: &TikTok, value: Value<'a>) -> Payload<'a> {
        let layout = vendor.layout();
        Payload { layout, value }
    }

    /// Returns the member at a place of the layout.
    #[inline]
    pub(crate) fn at(self, place: usize) -> Value<'a> {
        member_at(self.value, place)
    }

    /// Returns the text at a place without the blanks around it, unless nothing is left.
    #[inline]
    pub(crate) fn trimmed(self, place: usize) -> Option<&'a str> {
        trimmed(self.at(place))
    }

    /// Returns the text at a place, unless it is empty.
    #[inline]
    pub(crate) fn text(self, place: usize) -> Option<&'a str> {
        self.at(place).as_str().filter(|text| !text.is_empty())
    }
}
