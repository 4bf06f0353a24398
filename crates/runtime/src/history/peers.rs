//! Questions to the histories of the other routers that share a journal, and answers to theirs, by way of the journal.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use signalbox_history::{Answer, Answered, History, Peers, Question};
use signalbox_journal::{Answers, Journal};
use tokio::runtime::Handle;

use super::erasure;

/// The time that another router has to answer a search, and to erase.
const PATIENCE: (Duration, Duration) = (Duration::from_secs(4), Duration::from_secs(60));

/// The time for which a router that gave no answer is not asked.
const REST: Duration = Duration::from_secs(15);

/// The other routers, asked through the journal.
struct ByJournal {
    journal: Arc<dyn Journal>,
    own: Arc<str>,
    runtime: Handle,
    /// The routers that gave no answer in time, and when: the next views need not wait for them, too.
    silent: Mutex<BTreeMap<String, Instant>>,
}

/// This router's history, as others ask it.
struct Own(History);

#[async_trait]
impl Answers for Own {
    async fn answer(&self, question: Vec<u8>) -> Result<Vec<u8>, String> {
        let question: Question = serde_json::from_slice(&question)
            .map_err(|_| "it runs another version, which does not know this question".to_owned())?;
        let history = self.0.clone();
        let answered = tokio::task::spawn_blocking(move || history.answer(&question)).await;
        let answer = answered.map_err(|_| "its answer went wrong; its log has the place".to_owned())??;
        serde_json::to_vec(&answer).map_err(|error| error.to_string())
    }
}

impl ByJournal {
    fn silent(&self) -> MutexGuard<'_, BTreeMap<String, Instant>> {
        self.silent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn rests(&self, router: &str) -> bool {
        let mut silent = self.silent();
        silent.retain(|_, since| since.elapsed() < REST);
        silent.contains_key(router)
    }
}

impl Peers for ByJournal {
    fn own(&self) -> Arc<str> {
        self.own.clone()
    }

    fn ask(&self, question: &dyn Fn(&str) -> Option<Question>) -> Vec<Answered> {
        let mut patience = PATIENCE.0;
        let others = self.journal.nodes().into_iter().filter(|node| !node.own);
        let questions = others.filter_map(|node| {
            let question = question(&node.name)?;
            if matches!(question, Question::Erase { .. }) {
                patience = PATIENCE.1;
            }
            Some((node.name, serde_json::to_vec(&question).ok()?))
        });
        let questions: Vec<(String, Vec<u8>)> = questions.collect();
        let (resting, questions): (Vec<_>, Vec<_>) =
            questions.into_iter().partition(|(node, _)| self.rests(node));
        let resting = resting.into_iter().map(|(router, _)| Answered {
            router,
            answer: Err("it did not answer; ask again in a while, or look at that router's log".to_owned()),
        });
        if questions.is_empty() {
            return resting.collect();
        }
        let began = Instant::now();
        let (tell, told) = mpsc::sync_channel(1);
        let journal = self.journal.clone();
        self.runtime.spawn(async move {
            // The caller may have given up.
            let _ = tell.send(journal.ask(questions, patience).await);
        });
        let asked = told.recv().unwrap_or_default();
        let read = |answer: Vec<u8>| {
            let answer = serde_json::from_slice::<Answer>(&answer);
            answer.map_err(|_| "it runs another version, which answers otherwise".to_owned())
        };
        let in_time = began.elapsed() < patience;
        let answered = asked.into_iter().map(|asked| {
            if asked.answer.is_err() && !in_time {
                self.silent().insert(asked.node.clone(), Instant::now());
            }
            Answered {
                router: asked.node,
                answer: asked.answer.and_then(read),
            }
        });
        answered.chain(resting).collect()
    }
}

/// Makes the histories of all routers that share a journal answer as one, and erases what was erased while this router did not
/// run. Does nothing for a journal of one router. Needs the async runtime.
pub fn share(history: &History, journal: &Arc<dyn Journal>) {
    let own = journal.nodes().into_iter().find(|node| node.own);
    let Some(own) = own else { return };
    history.share(Arc::new(ByJournal {
        journal: journal.clone(),
        own: own.name.into(),
        runtime: Handle::current(),
        silent: Mutex::default(),
    }));
    journal.answer_with(Arc::new(Own(history.clone())));
    tokio::spawn(erasure::catch_up(history.clone(), Arc::downgrade(journal)));
}
