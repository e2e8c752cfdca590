//! The control plane's binary: flags, log, start, wait for a signal, stop.

use clap::Parser;
use pointsman_control_plane::{
    config::{Args, Config, LogFormat},
    error::StartError,
    server::{self, Running},
};
use std::{
    io::{IsTerminal, Write},
    process::ExitCode,
};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    let stopped = match start_log(&args) {
        Ok(()) => run(Config::from_args(&args)).await,
        Err(error) => Err(error),
    };
    match stopped {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // A line for people, whatever the log's format; with standard error gone there is nobody to tell.
            writeln!(std::io::stderr(), "pointsman-control: {error}").ok();
            ExitCode::from(error.exit_code())
        }
    }
}

async fn run(config: Config) -> Result<(), StartError> {
    let failed = |e: std::io::Error| StartError::Failed(format!("signals cannot be handled: {e}"));
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    let running: Running = server::start(config).await?;
    let stopping = running.stopping();
    let asked = tokio::select! {
        _ = terminate.recv() => true,
        _ = interrupt.recv() => true,
        () = stopping.cancelled() => false,
    };
    tracing::info!("stopping");
    running.shutdown().await;
    if asked { Ok(()) } else { Err(StartError::Failed("a listener failed; the log says why".into())) }
}

fn start_log(args: &Args) -> Result<(), StartError> {
    let filter = EnvFilter::try_new(&args.log).map_err(|e| StartError::Usage(format!("--log {:?}: {e}", args.log)))?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let terminal = std::io::stderr().is_terminal();
    match args.log_format {
        LogFormat::Text => log.with_ansi(terminal).init(),
        LogFormat::Auto if terminal => log.init(),
        LogFormat::Auto | LogFormat::Json => log.json().flatten_event(true).init(),
    }
    Ok(())
}
