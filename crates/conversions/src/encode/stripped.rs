//! Properties that the destination has refused, left out of records from then on, as long as the process lives.

use std::sync::{Arc, PoisonError, RwLock};

/// The properties left out at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stripped(Vec<&'static str>);

impl Stripped {
    /// Returns true if this property is left out.
    #[inline]
    pub fn has(&self, key: &str) -> bool {
        // Mostly there is none.
        !self.0.is_empty() && self.0.contains(&key)
    }

    /// The names of the properties that are left out.
    pub fn names(&self) -> &[&'static str] {
        &self.0
    }
}

impl FromIterator<&'static str> for Stripped {
    fn from_iter<I: IntoIterator<Item = &'static str>>(names: I) -> Stripped {
        Stripped(names.into_iter().collect())
    }
}

/// The memory of refused properties. Read for each event, written a few times in a process's life.
#[derive(Debug, Default)]
pub struct StrippedFields(RwLock<Arc<Stripped>>);

impl StrippedFields {
    /// Returns the properties that are left out now.
    #[inline]
    pub fn now(&self) -> Arc<Stripped> {
        // Nothing panics while it holds the lock; if it did, the list would still be whole.
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Leaves these properties out from now on.
    pub fn strip(&self, names: &[&'static str]) {
        let mut list = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let mut changed = Stripped::clone(&list);
        for name in names {
            if !changed.has(name) {
                changed.0.push(name);
            }
        }
        *list = Arc::new(changed);
    }
}
