//! The graph, delivery driver, ledger, configuration loader, admin address and telemetry.
