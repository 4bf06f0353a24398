//! The words of keys that name something personal or secret, as data.

use super::keys::Meaning;

/// The place that a word must have in a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fit {
    /// The end of the key, with anything before it.
    End,
    /// The end of the key, as a separate word: `work_phone`, not `headphone`.
    Word,
    /// The key inside of a person's or an address's object, or the end of a key before which only words for a person or an
    /// address stand: `billing_city`, not `warehouse_city`.
    OfPerson,
    /// The same without persons, whose own state may be `enabled`: `billing_state`, not `account_state`.
    OfAddress,
    /// The whole key.
    Whole,
}

/// A word in lower case without separators, its place, and its meaning.
pub(super) type Entry = (&'static str, Fit, Meaning);

/// All words. The longest that fits counts.
pub(super) const WORDS: &[Entry] = {
    use Fit::{End, OfAddress, OfPerson, Whole, Word};
    use Meaning::{
        City, Country, DateOfBirth, Email, FirstName, FullName, Gender, LastName, Login, Phone, Secret,
        State, Street, Zip,
    };
    &[
        ("email", End, Email),
        ("emailaddress", End, Email),
        ("emailaddr", End, Email),
        ("emailid", End, Email),
        ("mail", Word, Email),
        ("mailaddress", Word, Email),
        ("courriel", End, Email),
        ("correo", Word, Email),
        ("correoelectronico", End, Email),
        ("emails", End, Email),
        ("phone", Word, Phone),
        ("phones", Word, Phone),
        ("phoneno", Word, Phone),
        ("phonenumber", End, Phone),
        ("phonenumbers", End, Phone),
        ("telephone", End, Phone),
        ("telephonenumber", End, Phone),
        ("tel", Word, Phone),
        ("telno", Word, Phone),
        ("telefon", End, Phone),
        ("telefonnummer", End, Phone),
        ("telefono", End, Phone),
        ("teléfono", End, Phone),
        ("telefone", End, Phone),
        ("téléphone", End, Phone),
        ("mobile", Word, Phone),
        ("mobileno", Word, Phone),
        ("mobilenumber", End, Phone),
        ("mobilephone", End, Phone),
        ("cell", Word, Phone),
        ("cellphone", End, Phone),
        ("cellnumber", End, Phone),
        ("celular", Word, Phone),
        ("msisdn", End, Phone),
        ("whatsapp", Word, Phone),
        ("whatsappnumber", End, Phone),
        ("contactnumber", End, Phone),
        ("firstname", End, FirstName),
        ("givenname", End, FirstName),
        ("forename", End, FirstName),
        ("middlename", End, FirstName),
        ("fname", Word, FirstName),
        ("vorname", End, FirstName),
        ("prenom", End, FirstName),
        ("prénom", End, FirstName),
        ("lastname", End, LastName),
        ("familyname", End, LastName),
        ("surname", End, LastName),
        ("lname", Word, LastName),
        ("nachname", End, LastName),
        ("apellido", End, LastName),
        ("apellidos", End, LastName),
        ("cognome", End, LastName),
        ("fullname", End, FullName),
        ("displayname", OfPerson, FullName),
        ("cardholdername", End, FullName),
        ("nameoncard", End, FullName),
        ("name", OfPerson, FullName),
        ("gender", OfPerson, Gender),
        ("sex", OfPerson, Gender),
        ("birthday", End, DateOfBirth),
        ("birthdate", End, DateOfBirth),
        ("dateofbirth", End, DateOfBirth),
        ("dob", Word, DateOfBirth),
        ("geburtsdatum", End, DateOfBirth),
        ("city", OfPerson, City),
        ("town", OfPerson, City),
        ("locality", OfPerson, City),
        ("state", OfAddress, State),
        ("statecode", OfAddress, State),
        ("province", OfAddress, State),
        ("provincecode", OfAddress, State),
        ("region", OfAddress, State),
        ("county", OfAddress, State),
        ("zip", OfPerson, Zip),
        ("zipcode", OfPerson, Zip),
        ("postal", OfPerson, Zip),
        ("postalcode", OfPerson, Zip),
        ("postcode", OfPerson, Zip),
        ("plz", OfPerson, Zip),
        ("country", OfPerson, Country),
        ("countrycode", OfPerson, Country),
        ("street", OfPerson, Street),
        ("streetname", OfPerson, Street),
        ("streetaddress", End, Street),
        ("address", OfPerson, Street),
        ("addressline", Word, Street),
        ("homeaddress", End, Street),
        ("line", OfAddress, Street),
        ("adresse", OfPerson, Street),
        ("direccion", OfPerson, Street),
        ("login", Whole, Login),
        ("username", End, Login),
        ("userlogin", End, Login),
        ("nickname", End, Login),
        ("ssn", Word, Secret),
        ("socialsecuritynumber", End, Secret),
        ("passport", Word, Secret),
        ("passportnumber", End, Secret),
        ("iban", Word, Secret),
        ("cardnumber", End, Secret),
        ("ccnumber", End, Secret),
        ("cvv", Word, Secret),
        ("cvc", Word, Secret),
        ("token", Word, Secret),
        ("accesstoken", End, Secret),
        ("authtoken", End, Secret),
        ("refreshtoken", End, Secret),
        ("idtoken", End, Secret),
        ("resettoken", End, Secret),
        ("auth", Word, Secret),
        ("authorization", Word, Secret),
        ("authcode", End, Secret),
        ("bearer", Whole, Secret),
        ("jwt", Word, Secret),
        ("assertion", Word, Secret),
        ("samlresponse", End, Secret),
        ("key", Whole, Secret),
        ("apikey", End, Secret),
        ("authkey", End, Secret),
        ("accesskey", End, Secret),
        ("secretkey", End, Secret),
        ("privatekey", End, Secret),
        ("orderkey", End, Secret),
        ("resetkey", End, Secret),
        ("activationkey", End, Secret),
        ("licensekey", End, Secret),
        ("secret", Word, Secret),
        ("clientsecret", End, Secret),
        ("password", End, Secret),
        ("passwd", Word, Secret),
        ("passwort", End, Secret),
        ("passphrase", End, Secret),
        ("passcode", Word, Secret),
        ("pwd", Word, Secret),
        ("pass", Whole, Secret),
        ("pin", Whole, Secret),
        ("otp", Word, Secret),
        ("credential", Word, Secret),
        ("credentials", Word, Secret),
        ("session", Word, Secret),
        ("sessionid", End, Secret),
        ("sessiontoken", End, Secret),
        ("sessid", End, Secret),
        ("sid", Word, Secret),
        ("csrf", Word, Secret),
        ("xsrf", Word, Secret),
        ("nonce", Word, Secret),
        ("wpnonce", End, Secret),
        ("signature", Word, Secret),
        ("sig", Word, Secret),
        ("hmac", Word, Secret),
        ("reset", Whole, Secret),
        ("resetcode", End, Secret),
        ("verificationcode", End, Secret),
        ("verifycode", End, Secret),
        ("confirmationtoken", End, Secret),
        ("logincode", End, Secret),
        ("accesscode", End, Secret),
        ("codeverifier", End, Secret),
        ("magiclink", End, Secret),
    ]
};

/// Words that name a person, before another word: `customerFirstName`.
pub(super) const PERSONS: &[&str] = &[
    "customer",
    "user",
    "contact",
    "buyer",
    "shopper",
    "client",
    "member",
    "guest",
    "recipient",
    "person",
    "personal",
    "subscriber",
    "patient",
    "passenger",
    "traveller",
    "traveler",
    "attendee",
    "payer",
    "payee",
    "cardholder",
    "owner",
    "sender",
    "receiver",
    "work",
    "invitee",
    "referee",
    "friend",
    "lead",
    "account",
    "profile",
    "visitor",
    "employee",
    "student",
    "donor",
    "your",
    "my",
];

/// Words that name the use of an address, before another word: `billing_city`.
pub(super) const USES: &[&str] = &[
    "bill",
    "billing",
    "billto",
    "ship",
    "shipping",
    "shipto",
    "delivery",
    "invoice",
    "home",
    "mailing",
    "postal",
    "residential",
];

/// Words that choose one of several addresses or profiles: `default_address`.
pub(super) const CHOICES: &[&str] = &[
    "default",
    "primary",
    "secondary",
    "permanent",
    "current",
    "main",
    "alternate",
];

/// Words for the object that holds a person's data, behind the word for the person: `customer_details`.
pub(super) const HOLDERS: &[&str] = &["details", "detail", "info", "information", "data", "profile"];

/// Words for an object that holds an address.
pub(super) const ADDRESSES: &[&str] = &["address", "addresses", "adresse"];

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> String {
        let mut table = String::from("| meaning | words |\n|---|---|\n");
        for meaning in Meaning::ALL {
            let shown = |(word, fit, _): &Entry| match fit {
                Fit::End => format!("`…{word}`"),
                Fit::Word => format!("`…_{word}`"),
                Fit::OfPerson | Fit::OfAddress => format!("`billing_{word}`"),
                Fit::Whole => format!("`{word}`"),
            };
            let words = WORDS.iter().filter(|(.., of)| *of == meaning);
            let words: Vec<String> = words.map(shown).collect();
            table.push_str(&format!("| {} | {} |\n", meaning.name(), words.join(", ")));
        }
        table
    }

    /// The table of docs/privacy.md; `UPDATE_DOCS=1` writes it anew.
    #[test]
    fn the_documentation_has_the_table_of_words() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/privacy.md");
        let found = std::fs::read_to_string(path).unwrap();
        let (before, rest) = found.split_once("<!-- generated: words -->\n").unwrap();
        let (_, after) = rest.split_once("<!-- end -->").unwrap();
        let wanted = format!(
            "{before}<!-- generated: words -->\n{}<!-- end -->{after}",
            table()
        );
        if found != wanted && std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(path, &wanted).unwrap();
        } else {
            assert!(
                found == wanted,
                "the table of words is out of date; run the tests once with UPDATE_DOCS=1"
            );
        }
    }
}
