//! Properties that Pinterest has refused and that are left out from then on, as long as the process lives.

use std::sync::{Arc, PoisonError, RwLock};

/// The properties left out at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Stripped(Vec<&'static str>);

impl Stripped {
    /// For tests.
    #[cfg(test)]
    pub(crate) fn of(names: impl IntoIterator<Item = &'static str>) -> Stripped {
        Stripped(names.into_iter().collect())
    }

    /// Whether this one is left out.
    #[inline]
    pub(crate) fn has(&self, key: &str) -> bool {
        // Mostly there is none.
        !self.0.is_empty() && self.0.contains(&key)
    }

    /// Those left out.
    pub(crate) fn names(&self) -> &[&'static str] {
        &self.0
    }
}

/// What has been learnt. Read for each event, written a few times in a process's life.
#[derive(Debug, Default)]
pub(crate) struct Learned(RwLock<Arc<Stripped>>);

impl Learned {
    /// What is left out now.
    pub(crate) fn now(&self) -> Arc<Stripped> {
        // Nothing panics while it holds the lock; if it did, the list would still be whole.
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Leaves these out from now on.
    pub(crate) fn strip(&self, names: &[&'static str]) {
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
