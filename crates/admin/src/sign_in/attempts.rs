//! Limits for wrong tokens: how fast an address may try, and how many lines of the audit log the attempts may take.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use signalbox_http::server::neighbourhood;
use tokio::time::Instant;

/// Attempts that an address may make at once, and again after [`AFTER`].
const BURST: u32 = 5;
/// Time after which the attempts of an address are forgotten.
const AFTER: Duration = Duration::from_secs(2);
/// Upper bound for the addresses in memory. Beyond, the oldest leaves, so that many addresses at once lock out no other.
const MOST: usize = 4_096;
/// The most lines of the audit log in [`MINUTE`] that strangers cause.
const LINES: u64 = 10;
const MINUTE: Duration = Duration::from_secs(60);

/// The wrong attempts of the last moments.
#[derive(Debug, Default)]
pub(super) struct Attempts(Mutex<Recent>);

#[derive(Debug, Default)]
struct Recent {
    by_address: HashMap<IpAddr, (Instant, u32)>,
    minute: Option<Instant>,
    lines: u64,
    left_out: u64,
}

impl Attempts {
    /// Returns true if an address may try a token now. An unknown one shares its limit with others.
    pub(super) fn may_try(&self, address: Option<IpAddr>) -> bool {
        let recent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = recent.by_address.get(&place(address));
        found.is_none_or(|(begun, count)| *count < BURST || begun.elapsed() >= AFTER)
    }

    /// Notes a wrong token. Returns the number of attempts that had no line before this one if this one gets a line.
    pub(super) fn wrong(&self, address: Option<IpAddr>) -> Option<u64> {
        let mut recent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (now, place) = (Instant::now(), place(address));
        if recent.by_address.len() >= MOST && !recent.by_address.contains_key(&place) {
            recent.by_address.retain(|_, (begun, _)| begun.elapsed() < AFTER);
            let oldest = recent.by_address.iter().min_by_key(|(_, (begun, _))| *begun);
            if let Some(oldest) = oldest
                .map(|(address, _)| *address)
                .filter(|_| recent.by_address.len() >= MOST)
            {
                recent.by_address.remove(&oldest);
            }
        }
        let (begun, count) = recent.by_address.entry(place).or_insert((now, 0));
        if begun.elapsed() >= AFTER {
            (*begun, *count) = (now, 0);
        }
        *count += 1;
        if recent.minute.is_none_or(|begun| begun.elapsed() >= MINUTE) {
            (recent.minute, recent.lines) = (Some(now), 0);
        }
        if recent.lines == LINES {
            recent.left_out += 1;
            return None;
        }
        recent.lines += 1;
        Some(std::mem::take(&mut recent.left_out))
    }
}

fn place(address: Option<IpAddr>) -> IpAddr {
    neighbourhood(address.unwrap_or(IpAddr::from([0, 0, 0, 0])))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(n: u32) -> Option<IpAddr> {
        Some(std::net::Ipv4Addr::from(n).into())
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_tries_a_few_tokens_and_stops_no_other() {
        let attempts = Attempts::default();
        for _ in 0..BURST {
            assert!(attempts.may_try(address(1)));
            attempts.wrong(address(1));
        }
        assert!(!attempts.may_try(address(1)) && attempts.may_try(address(2)));
        tokio::time::advance(AFTER).await;
        assert!(attempts.may_try(address(1)));
        // A network of IPv6 is one client.
        let of = |text: &str| Some(text.parse::<IpAddr>().unwrap());
        for _ in 0..BURST {
            attempts.wrong(of("2001:db8:1:1::1"));
        }
        assert!(!attempts.may_try(of("2001:db8:1:1:9::2")) && attempts.may_try(of("2001:db8:1:2::1")));
    }

    #[tokio::test(start_paused = true)]
    async fn many_addresses_take_bounded_room() {
        let attempts = Attempts::default();
        for n in 0..MOST as u32 + 200 {
            attempts.wrong(address(n));
        }
        assert_eq!(attempts.0.lock().unwrap().by_address.len(), MOST);
    }

    #[tokio::test(start_paused = true)]
    async fn strangers_take_few_lines_and_all_are_counted() {
        let attempts = Attempts::default();
        let lines: Vec<_> = (0..100).filter_map(|_| attempts.wrong(address(1))).collect();
        assert_eq!(lines, [0; LINES as usize]);
        tokio::time::advance(MINUTE).await;
        assert_eq!(attempts.wrong(address(2)), Some(90));
        assert_eq!(attempts.wrong(address(2)), Some(0));
    }
}
