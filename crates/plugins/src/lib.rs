//! Links every plugin that ships with Signalbox, and names those that only other builds have. A crate that writes
//! `use signalbox_plugins as _;` finds them in `signalbox_core::plugins()` and by their `type`, and those that its build was made
//! without in `signalbox_core::absent_plugins()`.
//!
//! A plugin needs two lines, one in `Cargo.toml` and one here. The first alone does not link it, and a pipeline file that
//! names it would get the error that there is no such plugin; the lint below turns that into an error of the build.

#![deny(unused_crate_dependencies)]

use signalbox_console as _;
use signalbox_file as _;
use signalbox_filter as _;
use signalbox_geo_ip as _;
use signalbox_hash_pii as _;
use signalbox_limited_data_processing as _;
use signalbox_map as _;
use signalbox_meta_conversions as _;
#[cfg(feature = "nats")]
use signalbox_nats_jetstream as _;
use signalbox_pinterest_conversions as _;
use signalbox_rate_limit as _;
use signalbox_segment_http as _;
use signalbox_tiktok_events as _;
use signalbox_webhook as _;

signalbox_core::optional_plugin!(Source, "nats", feature = "nats");
signalbox_core::optional_plugin!(Sink, "nats", feature = "nats");

/// The guide for writers of plugins, whose sink compiles.
#[cfg(doctest)]
#[doc = include_str!("../../../plugins/README.md")]
mod guide {}
