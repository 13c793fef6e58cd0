//! The binary.

fn main() -> std::process::ExitCode {
    usher::cli::main()
}
