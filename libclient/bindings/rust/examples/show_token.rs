//! Waits for a token and says what it is, without its value: `show_token NAME`.
use std::time::Duration;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let name = std::env::args().nth(1).ok_or("usage: show_token NAME")?;
    let token = jeton::Token::open(&name)?;
    token.wait_valid(Some(Duration::from_secs(10)))?;
    let mut reader = jeton::Reader::new(&token)?;
    let current = reader.current()?;
    println!("{}: {}, fetched by {}", name, current, current.origin());
    Ok(())
}
