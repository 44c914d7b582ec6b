//! Upstream's regorus on standard input and output, one JSON document per line.
//!
//! First line: {"modules": [[name, text], …], "data": {…}}, in the order in which they are loaded. Each other line:
//! {"rule": path, "input": {…}}. Each answer: {"answer": …}, "<undefined>" for a rule without a value, or {"error": …}.

use std::io::{self, BufRead, Write};

use regorus::{Engine, Value};
use serde_json::{json, Value as Json};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut lines = io::stdin().lock().lines();
    let mut out = io::BufWriter::new(io::stdout().lock());
    let first: Json = serde_json::from_str(&lines.next().ok_or("no policies")??)?;
    let mut engine = Engine::new();
    for module in first["modules"].as_array().ok_or("no modules")? {
        let part = |number: usize| module[number].as_str().map(str::to_string).ok_or("not a string");
        engine.add_policy(part(0)?, part(1)?)?;
    }
    engine.add_data(Value::from_json_str(&first["data"].to_string())?)?;
    for line in lines {
        let asked: Json = serde_json::from_str(&line?)?;
        let answer = answer(&mut engine, &asked);
        writeln!(out, "{}", answer.unwrap_or_else(|error| json!({"error": error.to_string()})))?;
    }
    Ok(())
}

fn answer(engine: &mut Engine, asked: &Json) -> Result<Json, Box<dyn std::error::Error>> {
    engine.set_input(Value::from_json_str(&asked["input"].to_string())?);
    let value = engine.eval_rule(asked["rule"].as_str().ok_or("no rule")?.to_string())?;
    Ok(json!({"answer": serde_json::from_str::<Json>(&value.to_json_str()?)?}))
}
