//! TikTok's names of events and currencies.

use crate::options::EventSource;

/// The standard events of websites, by TikTok's help centre, with the two that TikTok supports until 2027 and the names that
/// it reserves for others.
const STANDARD: &str = "AddPaymentInfo AddToCart AddToWishlist ApplicationApproval CompleteRegistration Contact \
    CustomizeProduct Download FindLocation InitiateCheckout Lead Purchase Schedule Search StartTrial \
    SubmitApplication Subscribe ViewContent ClickButton PlaceAnOrder Browse Checkout PageView Registration";

/// Returns the present name of an event. TikTok renamed two in May 2025.
pub(crate) fn current(name: &str) -> &str {
    match name {
        "CompletePayment" => "Purchase",
        "SubmitForm" => "Lead",
        name => name,
    }
}

/// Returns true if TikTok's page lets events of this source have this name: stores send standard events only, CRM systems
/// others only.
pub(crate) fn suits(name: &str, source: EventSource) -> bool {
    let is_standard = STANDARD.split(' ').any(|standard| standard == name);
    match source {
        EventSource::Web | EventSource::App => true,
        EventSource::Offline => is_standard,
        EventSource::Crm => !is_standard,
    }
}

/// The currencies that TikTok supports.
pub(crate) const CURRENCIES: [&str; 62] = [
    "AED", "ARS", "AUD", "BDT", "BHD", "BIF", "BOB", "BRL", "CAD", "CHF", "CLP", "CNY", "COP", "CRC", "CZK",
    "DKK", "DZD", "EGP", "EUR", "GBP", "GTQ", "HKD", "HNL", "HUF", "IDR", "ILS", "INR", "ISK", "JPY", "KES",
    "KHR", "KRW", "KWD", "KZT", "MAD", "MOP", "MXN", "MYR", "NGN", "NIO", "NOK", "NZD", "OMR", "PEN", "PHP",
    "PKR", "PLN", "PYG", "QAR", "RON", "RUB", "SAR", "SEK", "SGD", "THB", "TRY", "TWD", "UAH", "USD", "VES",
    "VND", "ZAR",
];
