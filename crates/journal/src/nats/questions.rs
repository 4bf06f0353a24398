//! Questions of routers to each other, as messages that no stream keeps: `PREFIX.ask.ROUTER`. An answer may be longer than a
//! message, and comes in parts then.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_nats::{Client, HeaderMap, Message, StatusCode, Subscriber};
use futures_util::StreamExt as _;
use futures_util::future::join_all;
use tokio::sync::Semaphore;
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout_at};

use super::book::values::Values;
use super::cluster::Cluster;
use crate::{Answers, Asked, JournalError};

/// The length of a part of an answer: every server takes it with its seal and headers.
const PART: usize = 256 << 10;
/// Most parts of an answer.
const PARTS: usize = 256;
/// Questions that are answered at the same time.
const AT_ONCE: usize = 4;
/// The headers of a part: its number from 0, and the number of parts.
const HEADERS: (&str, &str) = ("Sbx-Part", "Sbx-Parts");
/// The first byte of an answer, and of a sentence in its place.
const KINDS: (u8, u8) = (b'+', b'-');

/// Asks other routers, and answers them.
pub(super) struct Questions {
    shared: Arc<Shared>,
    listens: AbortHandle,
}

struct Shared {
    client: Client,
    cluster: Cluster,
    answers: OnceLock<Arc<dyn Answers>>,
    permits: Arc<Semaphore>,
}

impl Questions {
    /// Begins to listen to the questions of others.
    ///
    /// # Errors
    /// [`JournalError`] if the servers take no subscription.
    pub(super) async fn start(client: Client, cluster: Cluster) -> Result<Questions, JournalError> {
        let subject = cluster.subjects.subject(&["ask", &cluster.own.node]);
        let asked = client.subscribe(subject).await;
        let asked = asked
            .map_err(|error| JournalError(format!("the router cannot listen to the others: {error}")))?;
        let shared = Arc::new(Shared {
            client,
            cluster,
            answers: OnceLock::new(),
            permits: Arc::new(Semaphore::new(AT_ONCE)),
        });
        let listens = tokio::spawn(Arc::clone(&shared).listen(asked)).abort_handle();
        Ok(Questions { shared, listens })
    }

    /// Sets what answers the others' questions, once.
    pub(super) fn answer_with(&self, answers: Arc<dyn Answers>) {
        // A journal is opened once by a router.
        let _ = self.shared.answers.set(answers);
    }

    /// Asks routers by their names; each has the same time for its answer.
    pub(super) async fn ask(&self, questions: Vec<(String, Vec<u8>)>, patience: Duration) -> Vec<Asked> {
        let until = Instant::now() + patience;
        let ask = async |(node, question): (String, Vec<u8>)| {
            let answer = self.shared.ask(&node, question, until).await;
            Asked { node, answer }
        };
        join_all(questions.into_iter().map(ask)).await
    }
}

impl Drop for Questions {
    fn drop(&mut self) {
        self.listens.abort();
    }
}

/// The name under which a question is sealed: it opens at its router, and its answer goes to its asker alone.
fn question_name(subject: &str, reply: &str) -> String {
    format!("{subject} {reply}")
}

/// The name under which a part of an answer is sealed.
fn part_name(reply: &str, part: usize, parts: usize) -> String {
    format!("{reply} {part}/{parts}")
}

impl Shared {
    fn values(&self) -> &Values {
        &self.cluster.values
    }

    async fn ask(&self, node: &str, question: Vec<u8>, until: Instant) -> Result<Vec<u8>, String> {
        let subject = self.cluster.subjects.subject(&["ask", node]);
        let reply = self.client.new_inbox();
        let sealed = self.values().encode(&question_name(&subject, &reply), question);
        let sealed = sealed.map_err(|error| error.to_string())?;
        let exchange = async {
            let mut answers = self
                .client
                .subscribe(reply.clone())
                .await
                .map_err(|error| error.to_string())?;
            let asked = self
                .client
                .publish_with_reply(subject, reply.clone(), sealed.into())
                .await;
            asked.map_err(|error| error.to_string())?;
            self.gather(&reply, &mut answers).await
        };
        let answer = timeout_at(until, exchange).await;
        let answer = answer
            .map_err(|_| "it does not answer; ask again, or look at that router's log".to_owned())??;
        match answer.split_first() {
            Some((kind, answer)) if *kind == KINDS.0 => Ok(answer.to_vec()),
            Some((kind, told)) if *kind == KINDS.1 => Err(String::from_utf8_lossy(told).into_owned()),
            _ => Err("its answer cannot be read: it runs another version".to_owned()),
        }
    }

    /// Puts the parts of an answer together.
    async fn gather(&self, reply: &str, answers: &mut Subscriber) -> Result<Vec<u8>, String> {
        let mut found: Vec<Option<Vec<u8>>> = Vec::new();
        while let Some(message) = answers.next().await {
            if message.status == Some(StatusCode::NO_RESPONDERS) {
                return Err("it does not run, or runs a version that answers no questions".to_owned());
            }
            let Some((part, parts)) = numbers(&message) else {
                continue;
            };
            let name = part_name(reply, part, parts);
            let Some(content) = self.values().decode_message(&name, &message.payload) else {
                return Err("its answer cannot be read: it has another journal key".to_owned());
            };
            found.resize(parts, None);
            if let Some(place) = found.get_mut(part) {
                *place = Some(content.into_owned());
            }
            if found.iter().all(Option::is_some) {
                return Ok(found.into_iter().flatten().flatten().collect());
            }
        }
        Err("the connection to the NATS servers broke".to_owned())
    }

    async fn listen(self: Arc<Shared>, mut asked: Subscriber) {
        while let Some(message) = asked.next().await {
            let Ok(permit) = Arc::clone(&self.permits).acquire_owned().await else {
                return;
            };
            let shared = Arc::clone(&self);
            tokio::spawn(async move {
                shared.answer(message).await;
                drop(permit);
            });
        }
    }

    async fn answer(&self, message: Message) {
        let Some(reply) = message.reply else { return };
        let name = question_name(&message.subject, &reply);
        let answer = match (
            self.values().decode_message(&name, &message.payload),
            self.answers.get(),
        ) {
            (None, _) => Err("it has another journal key, and cannot read the question".to_owned()),
            (_, None) => Err("it is about to start, or keeps no history".to_owned()),
            (Some(question), Some(answers)) => answers.answer(question.into_owned()).await,
        };
        let answer = match answer {
            Ok(answer) if answer.len() < PART * PARTS => [&[KINDS.0], &answer[..]].concat(),
            Ok(_) => [&[KINDS.1], &b"its answer is too long; ask for less"[..]].concat(),
            Err(told) => [&[KINDS.1], told.as_bytes()].concat(),
        };
        let parts: Vec<&[u8]> = answer.chunks(PART).collect();
        for (number, part) in parts.iter().enumerate() {
            let sent = self.send(&reply, part, (number, parts.len())).await;
            if let Err(why) = sent {
                tracing::debug!("another router gets no answer: {why}");
                return;
            }
        }
    }

    async fn send(&self, reply: &str, part: &[u8], (number, parts): (usize, usize)) -> Result<(), String> {
        let sealed = self
            .values()
            .encode(&part_name(reply, number, parts), part.to_vec());
        let sealed = sealed.map_err(|error| error.to_string())?;
        let mut headers = HeaderMap::new();
        headers.insert(HEADERS.0, number.to_string());
        headers.insert(HEADERS.1, parts.to_string());
        let sent = self
            .client
            .publish_with_headers(reply.to_owned(), headers, sealed.into())
            .await;
        sent.map_err(|error| error.to_string())
    }
}

/// Reads the number of a part and the number of parts.
fn numbers(message: &Message) -> Option<(usize, usize)> {
    let headers = message.headers.as_ref()?;
    let number = |name: &str| headers.get(name)?.as_str().parse::<usize>().ok();
    let (part, parts) = (number(HEADERS.0)?, number(HEADERS.1)?);
    (part < parts && parts <= PARTS).then_some((part, parts))
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use signalbox_testkit::NatsCluster;

    use super::super::testing::{client, router};
    use super::*;
    use crate::seal::keys_file::{Found, JournalKeys};
    use crate::seal::wrapped::tests::keys;

    /// Answers with as many bytes as the question says, and not at all to other questions.
    struct Bytes;

    #[async_trait]
    impl Answers for Bytes {
        async fn answer(&self, question: Vec<u8>) -> Result<Vec<u8>, String> {
            let length = String::from_utf8(question).unwrap().parse::<usize>();
            let length = length.map_err(|_| "expected a number".to_owned())?;
            Ok((0..length).map(|at| (at % 251) as u8).collect())
        }
    }

    #[tokio::test]
    async fn routers_answer_each_other_in_parts_and_with_sentences() {
        if !NatsCluster::available() {
            return;
        }
        let servers = NatsCluster::start(1).await;
        let join = async |node| {
            let client = client(&servers).await.nats().clone();
            let cluster = router(&servers, node, 1, Duration::from_secs(5));
            Questions::start(client, cluster).await.unwrap()
        };
        let (a, b, c) = (join("a").await, join("b").await, join("c").await);
        b.answer_with(Arc::new(Bytes));
        let ask = async |questions: &[(&str, &str)]| {
            let questions = questions
                .iter()
                .map(|(node, text)| ((*node).to_owned(), text.as_bytes().to_vec()));
            a.ask(questions.collect(), Duration::from_secs(10)).await
        };
        for length in [0, 1, PART - 1, PART, 3 * PART + 7] {
            let asked = ask(&[("b", &length.to_string())]).await;
            let answer = asked[0].answer.as_ref().unwrap();
            assert_eq!(answer.len(), length);
            assert!(
                answer
                    .iter()
                    .enumerate()
                    .all(|(at, byte)| usize::from(*byte) == at % 251)
            );
        }
        let asked = ask(&[("b", "x"), ("c", "1"), ("d", "1")]).await;
        let told: Vec<(String, String)> = asked
            .into_iter()
            .map(|asked| (asked.node, asked.answer.unwrap_err()))
            .collect();
        let expected = [
            ("b", "expected a number"),
            ("c", "it is about to start, or keeps no history"),
            (
                "d",
                "it does not run, or runs a version that answers no questions",
            ),
        ];
        assert_eq!(
            told,
            expected.map(|(node, told)| (node.to_owned(), told.to_owned()))
        );
        drop(c);
    }

    #[tokio::test]
    async fn a_router_of_a_sealed_journal_answers_no_question_in_plain() {
        if !NatsCluster::available() {
            return;
        }
        let servers = NatsCluster::start(1).await;
        let keys = JournalKeys::open(&keys(&[1]), &Found::Nothing, None).unwrap();
        let sealed = Values::new(Some(keys.records));
        let join = async |node, values: &Values| {
            let cluster = Cluster {
                values: values.clone(),
                ..router(&servers, node, 1, Duration::from_secs(5))
            };
            let client = client(&servers).await.nats().clone();
            Questions::start(client, cluster).await.unwrap()
        };
        let (a, b) = (join("a", &sealed).await, join("b", &sealed).await);
        let outsider = join("c", &Values::default()).await;
        b.answer_with(Arc::new(Bytes));
        outsider.answer_with(Arc::new(Bytes));
        let ask = async |questions: &Questions, node: &str| {
            let question = vec![(node.to_owned(), b"3".to_vec())];
            let mut asked = questions.ask(question, Duration::from_secs(10)).await;
            asked.remove(0).answer
        };
        assert_eq!(ask(&a, "b").await, Ok(vec![0, 1, 2]));
        let other_key = "its answer cannot be read: it has another journal key";
        assert_eq!(ask(&outsider, "b").await.unwrap_err(), other_key);
        // Nor does a plain answer count.
        assert_eq!(ask(&a, "c").await.unwrap_err(), other_key);

        let client = client(&servers).await.nats().clone();
        let subject = router(&servers, "b", 1, Duration::from_secs(5))
            .subjects
            .subject(&["ask", "b"]);
        let reply = client.request(subject, "3".into()).await.unwrap();
        let (part, parts) = numbers(&reply).unwrap();
        let answer = sealed.decode(&part_name(&reply.subject, part, parts), &reply.payload);
        assert_eq!(
            answer.as_deref(),
            Some(&b"-it has another journal key, and cannot read the question"[..])
        );
    }
}
