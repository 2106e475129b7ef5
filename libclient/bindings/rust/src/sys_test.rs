//! A C program that includes the header prints sizes, offsets and constants; sys.rs must have the same.
use super::*;
use std::fmt::Write as _;
use std::process::Command;
use std::{env, fs, mem};

// `name` in C is `field` here.
macro_rules! compare {
    ($program:ident $ours:ident $($type:ident { $($field:ident = $name:literal),* })*) => {$(
        writeln!($program, "P(sizeof({0})); P(_Alignof({0}));", stringify!($type)).unwrap();
        $ours.push(mem::size_of::<$type>());
        $ours.push(mem::align_of::<$type>());
        // SAFETY: integers and raw pointers; zero is a value of each.
        let value: $type = unsafe { mem::zeroed() };
        $(
            writeln!($program, "P(offsetof({0}, {1})); P(sizeof((({0} *)0)->{1}));", stringify!($type), $name).unwrap();
            $ours.push(&value.$field as *const _ as usize - &value as *const _ as usize);
            $ours.push(mem::size_of_val(&value.$field));
        )*
    )*};
}

#[test]
fn is_what_the_header_says() {
    let mut ours: Vec<usize> = Vec::new();
    let mut program = String::from(
        "#include <jeton/jeton.h>\n#include <stdio.h>\n\
         #define P(n) printf(\"%zu\\n\", (size_t)(n))\nint main(void) {\n",
    );
    compare! { program ours
        jeton_options { size = "size", directory = "directory", flags = "flags" }
        jeton_info {
            size = "size", generation = "generation", issued_at_ms = "issued_at_ms", expires_at_ms = "expires_at_ms",
            previous_generation = "previous_generation", previous_accept_until_ms = "previous_accept_until_ms",
            heartbeat_ms = "heartbeat_ms", heartbeat_age_ms = "heartbeat_age_ms", value_size = "value_size",
            flags = "flags", kind = "type"
        }
        jeton_view {
            size = "size", generation = "generation", issued_at_ms = "issued_at_ms", expires_at_ms = "expires_at_ms",
            flags = "flags", reserved = "reserved", value = "value", value_size = "value_size", kind = "type",
            kind_size = "type_size", previous_generation = "previous_generation",
            previous_accept_until_ms = "previous_accept_until_ms", previous_value = "previous_value",
            previous_value_size = "previous_value_size", origin = "origin", origin_size = "origin_size",
            attributes = "attributes", attributes_size = "attributes_size"
        }
        jeton_wait_options { size = "size", generation = "generation", timeout_ms = "timeout_ms", cancel = "cancel" }
        jeton_diagnosis { size = "size", token = "token", agent = "agent", heartbeat_age_ms = "heartbeat_age_ms" }
    }
    for (name, value) in [
        ("JETON_OK", OK as usize),
        ("JETON_BUFFER_TOO_SMALL", BUFFER_TOO_SMALL as usize),
        ("JETON_MISMATCH", MISMATCH as usize),
        ("JETON_ALLOW_EXPIRED", ALLOW_EXPIRED as usize),
        ("JETON_ALLOW_MISSING", ALLOW_MISSING as usize),
        ("JETON_FLAG_EXPIRED", FLAG_EXPIRED as usize),
        ("JETON_FLAG_REJECTED", FLAG_REJECTED as usize),
        ("sizeof(jeton_status)", mem::size_of::<jeton_status>()),
    ] {
        writeln!(program, "P({});", name).unwrap();
        ours.push(value);
    }
    program.push_str("return 0; }\n");

    let directory = env::temp_dir().join(format!("jeton-sys-test-{}", std::process::id()));
    fs::create_dir_all(&directory).unwrap();
    let (source, binary) = (directory.join("sizes.c"), directory.join("sizes"));
    fs::write(&source, &program).unwrap();
    let include = env::var("JETON_INCLUDE_DIR").expect("JETON_INCLUDE_DIR is set by tests/languages/rust_test.sh");
    let compiled = Command::new("cc").arg("-I").arg(include).arg(&source).arg("-o").arg(&binary).status();
    assert!(compiled.unwrap().success());
    let printed = Command::new(&binary).output().unwrap();
    fs::remove_dir_all(&directory).unwrap();
    let theirs: Vec<usize> = String::from_utf8(printed.stdout).unwrap().lines().map(|n| n.parse().unwrap()).collect();
    assert_eq!(theirs, ours, "the order is that of the program:\n{}", program);
}
