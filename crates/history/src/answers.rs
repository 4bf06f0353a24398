//! The answers of a router's history to the questions of others.

use crate::history::History;
use crate::ids::IdHash;
use crate::peers::{Answer, Question};

impl History {
    /// Answers the question of another router from this router's files. Blocks while it reads or writes them.
    ///
    /// # Errors
    /// A sentence if they cannot be read or written.
    pub fn answer(&self, question: &Question) -> Result<Answer, String> {
        // The answer holds the records of this second. A history that cannot be written says so in the status.
        let _ = self.flush();
        let reader = self.own_reader();
        let hashes = |ids: &[u64], key: u64| -> Result<Vec<IdHash>, String> {
            // A history of sums has no ids, and no key that lasts.
            if !self.keys().knows(key) && self.keeps_rows() {
                return Err(
                    "its history hides ids behind another key; give all routers the same journal.key, and ask that router itself \
                     about earlier records"
                        .to_owned(),
                );
            }
            Ok(ids.iter().copied().map(IdHash).collect())
        };
        let answered = match question {
            Question::Find { ids, key, filter } => reader.find(&hashes(ids, *key)?, filter).map(Answer::Page),
            Question::Latest { filter, after, limit } => {
                let after = after.clone().map(Into::into);
                reader.latest(filter, after.as_ref(), *limit).map(Answer::Page)
            }
            Question::At(place) => reader.at(place).map(|entry| Answer::Entry(entry.map(Box::new))),
            Question::Report(report) => reader.report(report).map(Answer::Report),
            Question::Erase { ids, key, until } => {
                let erased = self.erase(hashes(ids, *key)?, *until);
                return erased.map(Answer::Erased).map_err(|error| error.to_string());
            }
        };
        answered.map_err(|trouble| trouble.to_string())
    }
}
