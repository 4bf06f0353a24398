//! Names of events that an advertiser has defined at the vendor.

use std::sync::{Mutex, PoisonError};

use signalbox_segment::schema::Choice;

use crate::spec::Spec;

/// A spec that was made for a list of names.
struct Made {
    base: &'static Spec,
    names: Vec<String>,
    spec: &'static Spec,
}

impl Spec {
    /// Returns this spec with further choices of the event field, so that mappings may use these names: at load, in the
    /// mapping of an event, and in the messages about other names.
    ///
    /// Specs live as long as the process. One is made for each list of names, and found again when settings are loaded anew.
    pub fn with_event_names(&'static self, names: &[String]) -> &'static Spec {
        static MADE: Mutex<Vec<Made>> = Mutex::new(Vec::new());
        if names.is_empty() {
            return self;
        }
        let mut all = MADE.lock().unwrap_or_else(PoisonError::into_inner);
        let is = |made: &&Made| std::ptr::eq(made.base, self) && made.names == names;
        if let Some(made) = all.iter().find(is) {
            return made.spec;
        }
        let spec = self.extended(names);
        all.push(Made {
            base: self,
            names: names.to_vec(),
            spec,
        });
        spec
    }

    /// Returns true if the event field takes this name.
    pub fn has_event_name(&self, name: &str) -> bool {
        let field = self.field(self.event_field);
        field.is_some_and(|field| {
            field
                .choices
                .iter()
                .any(|choice| choice.value.as_str() == Some(name))
        })
    }

    fn extended(&self, names: &[String]) -> &'static Spec {
        let own = names.iter().map(|name| {
            let name: &'static str = Box::leak(name.clone().into_boxed_str());
            Choice::text(name, name)
        });
        let mut rows = self.rows.to_vec();
        for row in rows.iter_mut().filter(|row| row.field.key == self.event_field) {
            let choices = row.field.choices.iter().copied().chain(own.clone());
            row.field.choices = Box::leak(choices.collect());
        }
        let fields: Vec<_> = rows.iter().map(|row| row.field).collect();
        Box::leak(Box::new(Spec {
            rows: Box::leak(rows.into_boxed_slice()),
            fields: Box::leak(fields.into_boxed_slice()),
            ..*self
        }))
    }
}
