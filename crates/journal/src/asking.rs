//! Questions of a router to the others that share its journal.

use async_trait::async_trait;

/// Answers the questions of other routers. See [`Log::answer_with`](crate::Log::answer_with).
#[async_trait]
pub trait Answers: Send + Sync {
    /// Answers a question.
    ///
    /// # Errors
    /// A sentence, which the router that asks shows to its operator.
    async fn answer(&self, question: Vec<u8>) -> Result<Vec<u8>, String>;
}

/// The answer of another router.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The router's name.
    pub node: String,
    /// The answer, or a sentence that says why there is none.
    pub answer: Result<Vec<u8>, String>,
}
