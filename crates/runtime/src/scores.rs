//! Scores of destinations, which are asked for once an hour, beside deliveries.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;
use signalbox_core::{NoScore, Score, Scoring, Sink};
use tokio::task::JoinHandle;

use crate::dead_letters::now_millis;

/// Time between two questions.
const INTERVAL: Duration = Duration::from_secs(60 * 60);
/// Time after a failure, which doubles up to [`INTERVAL`]. A shorter `Retry-After` does not shorten it.
const AFTER_FAILURE: Duration = Duration::from_secs(60);

/// A destination's own rating of the events that it got.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct DestinationScores {
    /// The newest scores; empty before the first.
    pub scores: Vec<Score>,
    /// The time of the newest scores, Unix milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fetched_at: Option<i64>,
    /// The reason why newer scores are missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failing: Option<String>,
    /// The setting that is missing, and the gain of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_set_up: Option<&'static str>,
}

/// Asks a sink's destination for scores until it is dropped.
#[derive(Debug)]
pub(crate) struct ScoreWatch {
    /// `None` if the destination cannot be asked, or has not been asked yet.
    known: Arc<Mutex<Option<DestinationScores>>>,
    task: JoinHandle<()>,
}

impl ScoreWatch {
    /// Starts to ask.
    pub(crate) fn start(name: Arc<str>, sink: Arc<dyn Sink>) -> ScoreWatch {
        let known = Arc::default();
        let task = tokio::spawn(ask(name, sink, Arc::clone(&known)));
        ScoreWatch { known, task }
    }

    /// Returns the newest scores; `None` if the destination cannot be asked, or has not answered yet.
    pub(crate) fn known(&self) -> Option<DestinationScores> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Ends the questions.
    pub(crate) fn stop(&self) {
        self.task.abort();
    }
}

impl Drop for ScoreWatch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn ask(name: Arc<str>, sink: Arc<dyn Sink>, known: Arc<Mutex<Option<DestinationScores>>>) {
    let mut after_failure = AFTER_FAILURE;
    loop {
        let answer = sink.score().await;
        let change = |change: &dyn Fn(&mut DestinationScores)| {
            let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
            change(known.get_or_insert_default());
        };
        let wait = match answer {
            Scoring::None => return,
            Scoring::NotSetUp(remedy) => {
                change(&|known| known.not_set_up = Some(remedy));
                return;
            }
            Scoring::Asked(Ok(scores)) => {
                change(&|known| {
                    *known = DestinationScores {
                        scores: scores.clone(),
                        fetched_at: Some(now_millis()),
                        ..DestinationScores::default()
                    };
                });
                after_failure = AFTER_FAILURE;
                INTERVAL
            }
            Scoring::Asked(Err(NoScore { reason, retry_after })) => {
                tracing::warn!(sink = %name, code = reason.code(), "no scores from the destination: {}", reason.message());
                change(&|known| known.failing = Some(reason.to_string()));
                let wait = after_failure.max(retry_after.unwrap_or_default());
                after_failure = (after_failure * 2).min(INTERVAL);
                wait
            }
        };
        tokio::time::sleep(wait).await;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use async_trait::async_trait;
    use signalbox_core::{Batch, Event, Prepared, Reason, Report};
    use tokio::sync::Notify;
    use tokio::time::Instant;

    use super::*;

    /// A sink that gives these answers about scores, and notes when it was asked.
    struct Rating {
        answers: Mutex<VecDeque<Scoring>>,
        asked: Mutex<Vec<Duration>>,
        begun: Instant,
        done: Notify,
    }

    #[async_trait]
    impl Sink for Rating {
        fn prepare(&self, _: &Event) -> Prepared {
            Prepared::Filtered(Reason::new("none", "none"))
        }

        async fn deliver(&self, batch: Batch) -> Report {
            batch.isolate(Reason::new("none", "none"))
        }

        async fn probe(&self) -> Result<(), Reason> {
            Ok(())
        }

        async fn score(&self) -> Scoring {
            self.asked.lock().unwrap().push(self.begun.elapsed());
            let next = self.answers.lock().unwrap().pop_front();
            match next {
                Some(answer) => answer,
                None => {
                    self.done.notify_one();
                    std::future::pending().await
                }
            }
        }
    }

    async fn watched(answers: Vec<Scoring>) -> (Vec<u64>, Option<DestinationScores>) {
        let sink = Arc::new(Rating {
            answers: Mutex::new(answers.into()),
            asked: Mutex::default(),
            begun: Instant::now(),
            done: Notify::new(),
        });
        let mut watch = ScoreWatch::start("ads".into(), sink.clone());
        tokio::select! {
            () = sink.done.notified() => {}
            ended = &mut watch.task => ended.unwrap(),
        }
        let asked = sink.asked.lock().unwrap().iter().map(Duration::as_secs).collect();
        (asked, watch.known())
    }

    fn failed(retry_after: Option<u64>) -> Scoring {
        Scoring::Asked(Err(NoScore {
            reason: Reason::new("rate_limited", "too many requests"),
            retry_after: retry_after.map(Duration::from_secs),
        }))
    }

    fn scored(status: &str) -> Scoring {
        let status = status.to_owned();
        Scoring::Asked(Ok(vec![Score {
            status,
            ..Score::default()
        }]))
    }

    #[tokio::test(start_paused = true)]
    async fn a_destination_is_asked_once_an_hour() {
        let (asked, known) = watched(vec![scored("FAIR"), scored("GOOD")]).await;
        assert_eq!(asked, [0, 3_600, 7_200]);
        let known = known.unwrap();
        assert_eq!((&*known.scores[0].status, known.failing), ("GOOD", None));
        assert!(known.fetched_at.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn failures_keep_the_last_scores_and_wait() {
        let answers = vec![
            failed(None),
            failed(Some(1)),
            failed(Some(900)),
            scored("GOOD"),
            failed(None),
        ];
        let (asked, known) = watched(answers).await;
        assert_eq!(asked, [0, 60, 180, 1_080, 4_680, 4_740]);
        let known = known.unwrap();
        assert_eq!(known.scores[0].status, "GOOD");
        assert_eq!(known.failing.as_deref(), Some("too many requests (rate_limited)"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_destination_that_cannot_be_asked_is_left_alone() {
        assert_eq!(watched(vec![Scoring::None]).await, (vec![0], None));
        let (asked, known) = watched(vec![Scoring::NotSetUp("set it")]).await;
        assert_eq!((asked, known.unwrap().not_set_up), (vec![0], Some("set it")));
    }
}
