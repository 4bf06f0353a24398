//! The fields of travel and vehicle events, which Segment's destination sends with web events on demand. TikTok's page on
//! events of 2026 no longer lists them.

use signalbox_conversions::defaults::choice;
use signalbox_conversions::field::Kind::{Number, Own, Texts, Whole};
use signalbox_conversions::field::Row;
use signalbox_conversions::{from_path, key};
use signalbox_segment::schema::FieldType;

use crate::fields::ANY;

/// A member whose default is the property of the same name.
macro_rules! property {
    ($key:literal, $label:literal, $kind:expr) => {
        Row::member(key!($key), $label, $kind).default_mapping(from_path!(concat!("properties.", $key)))
    };
}

/// A journey.
#[rustfmt::skip]
pub(crate) const TRAVEL: &[Row] = &[
    property!("city", "Hotel City Location", ANY).describe("City of the hotel."),
    property!("region", "Hotel Region", ANY).describe("Region of the hotel."),
    property!("country", "Hotel Country", ANY).describe("Country of the hotel."),
    property!("checkin_date", "Hotel Check-in Date", ANY).describe("First day at the hotel."),
    property!("checkout_date", "Hotel Check-out Date", ANY).describe("Last day at the hotel."),
    property!("num_adults", "Number of Adults", Number).describe("How many adults."),
    property!("num_children", "Number of Children", Number).describe("How many children."),
    property!("num_infants", "Number of Infants", Number).describe("How many infants."),
    property!("suggested_hotels", "Suggested Hotels", Texts).describe("Hotels that were suggested."),
    property!("departing_departure_date", "Departure Date", ANY).describe("Departure of the outward flight."),
    property!("returning_departure_date", "Arrival Date", ANY).describe("Departure of the return flight."),
    property!("origin_airport", "Origin Airport", ANY).describe("Airport of the departure."),
    property!("destination_airport", "Destination Airport", ANY).describe("Airport of the destination."),
    property!("destination_ids", "Destination IDs", Texts).describe("Destinations in your catalog that belong to the flight."),
    property!("departing_arrival_date", "Departing Arrival Date", ANY).describe("Arrival of the outward flight."),
    property!("returning_arrival_date", "Returning Arrival Date", ANY).describe("Arrival of the return flight."),
    property!("travel_class", "Flight Ticket Class", ANY).describe("Class of the ticket.").choices(&[choice("eco"), choice("prem"), choice("bus"), choice("first")]),
    property!("user_score", "User Score", Number).describe("What the customer is worth to you, compared with others."),
    property!("preferred_num_stops", "Preferred Number of Stops", Whole(i64::MIN, i64::MAX)).describe("Stops that the user accepts; 0 is a direct flight."),
    property!("travel_start", "Start Date of the Trip", ANY).describe("First day of the journey."),
    property!("travel_end", "End Date of the Trip", ANY).describe("Last day of the journey."),
    property!("suggested_destinations", "Suggested Destination IDs", Texts).describe("Destinations that were suggested."),
];

/// A vehicle.
#[rustfmt::skip]
pub(crate) const VEHICLE: &[Row] = &[
    property!("postal_code", "Postal Code", ANY).describe("Postal code of the vehicle's place."),
    property!("make", "Make of the Vehicle", ANY).describe("The maker."),
    property!("model", "Model of the Vehicle", ANY).describe("The model."),
    property!("year", "Year of the Vehicle", Number).describe("The year in which the model came out."),
    property!("state_of_vehicle", "State of the Vehicle", ANY).describe("New or used.").choices(&[choice("New"), choice("Used"), choice("CPO")]),
    property!("mileage_value", "Mileage Value", Own).of_type(FieldType::Number).describe("The mileage, sent beside its unit."),
    property!("mileage_unit", "Mileage Unit", Own).describe("The unit of the mileage.").choices(&[choice("MI"), choice("KM")]),
    property!("exterior_color", "Exterior Color of the Vehicle", ANY).describe("Colour outside."),
    property!("transmission", "Transmission Type of the Vehicle", ANY).describe("Kind of transmission.").choices(&[choice("Automatic"), choice("Manual"), choice("Other")]),
    property!("body_style", "Body Type of the Vehicle", ANY).describe("Kind of body.").choices(&[choice("Convertible"), choice("Coupe"), choice("Hatchback"), choice("Minivan"), choice("Truck"), choice("SUV"), choice("Sedan"), choice("Van"), choice("Wagon"), choice("Crossover"), choice("Other")]),
    property!("fuel_type", "Fuel Type of the Vehicle", ANY).describe("Kind of fuel.").choices(&[choice("Diesel"), choice("Electric"), choice("Flex"), choice("Gasoline"), choice("Hybrid"), choice("Other")]),
    Row::member(key!("drivetrain"), "Drivetrain of the Vehicle", ANY).default_mapping(from_path!("properties.drive_train")).describe("The driven wheels.").choices(&[choice("AWD"), choice("FOUR_WD"), choice("FWD"), choice("RWD"), choice("TWO_WD"), choice("Other")]),
    property!("preferred_price_range_min", "Minimum Preferred Price", Own).of_type(FieldType::Number).describe("Least price that the user wants, sent beside the greatest."),
    property!("preferred_price_range_max", "Maximum Preferred Price", Own).of_type(FieldType::Number).describe("Greatest price that the user wants."),
    property!("trim", "Trim of the Vehicle", ANY).describe("The trim."),
    property!("vin", "VIN of the Vehicle", ANY).describe("Vehicle identification number."),
    property!("interior_color", "Interior Color of the Vehicle", ANY).describe("Colour inside."),
    property!("condition_of_vehicle", "Condition of the Vehicle", ANY).describe("The condition.").choices(&[choice("Excellent"), choice("Good"), choice("Fair"), choice("Poor"), choice("Other")]),
    property!("viewcontent_type", "Soft Lead Landing Page", ANY).describe("Kind of the page, for ViewContent."),
    property!("search_type", "Other Search Page", ANY).describe("Kind of the search, for Search."),
    property!("registration_type", "Other Registration Page", ANY).describe("Kind of the registration, for CompleteRegistration."),
];
