//! Finds libjeton: in $JETON_LIB_DIR if set, else where pkg-config says.
use std::env;
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    for name in ["JETON_LIB_DIR", "PKG_CONFIG", "PKG_CONFIG_PATH"] {
        println!("cargo:rerun-if-env-changed={}", name);
    }
    if let Ok(directory) = env::var("JETON_LIB_DIR") {
        println!("cargo:rustc-link-search=native={}", directory);
        println!("cargo:rustc-link-lib=dylib=jeton");
        return;
    }
    let program = env::var("PKG_CONFIG").unwrap_or_else(|_| "pkg-config".into());
    let output = match Command::new(&program).args(["--libs", "jeton"]).output() {
        Ok(output) if output.status.success() => output,
        Ok(output) => fail(&String::from_utf8_lossy(&output.stderr)),
        Err(error) => fail(&format!("{}: {}", program, error)),
    };
    for word in String::from_utf8_lossy(&output.stdout).split_whitespace() {
        if let Some(directory) = word.strip_prefix("-L") {
            println!("cargo:rustc-link-search=native={}", directory);
        } else if let Some(library) = word.strip_prefix("-l") {
            println!("cargo:rustc-link-lib=dylib={}", library);
        }
    }
}

fn fail(reason: &str) -> ! {
    eprintln!("libjeton was not found: install it, or set JETON_LIB_DIR\n{}", reason);
    std::process::exit(1);
}
