//! The `safu` binary.

fn main() -> std::process::ExitCode {
    safu_ledger::cli::main()
}
