"""Every configuration key, a row each. Its default is the one in Settings; the reference page and the schema follow.

A dotted name is its place in the file (``live.sources`` is ``sources`` under ``[live]``) and in Settings alike.
After a change, run ``python -m tests.docs.configuration_page``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

from guardrails.config import kinds, live_keys, waves
from guardrails.config.key import Key
from guardrails.values import CallerKind, Mode

_ROWS = (
    Key("mode", kinds.one_of(*get_args(Mode)), '"warn"',
        "What happens to a call that a rule denies: it is blocked (`enforce`), or sent with a warning (`warn`), "
        "or sent and only logged (`dryrun`)."),
    Key("engine", kinds.one_of("embedded", "opa"), '"opa"',
        "What evaluates the policies: the engine inside this process, or an OPA server (`[opa]`)."),
    Key("cluster_tag", kinds.STRING, '"Team"',
        "The tag with the name of the cluster that a machine belongs to."),
    Key("cluster_tags", kinds.NAMES, '["Cluster", "Service"]',
        "Several such tags, instead of `cluster_tag`. The first of them that a machine or resource has counts.",
        "the one of `cluster_tag`"),
    Key("clusters", kinds.MEMBERS, '{ blue = ["asg/web-blue", "asg/worker-blue"] }',
        "Clusters that consist of several others, by the names that `guardrails live` shows."),
    Key("home_region", kinds.REGION, '"eu-west-1"',
        "The region of the machines, for services that do not have one: Route 53, IAM and Global Accelerator.",
        "the region that the client was made for, or the session's"),
    Key("long_tail", kinds.SWITCH, "true",
        "Also judge the destructive operations of some 250 further services, by the cluster tag of what they name."),
    Key("max_fact_age_s", kinds.NUMBER, "2",
        "How old facts about the account may be when a call is decided, in seconds."),
    Key("lookup_timeout_s", kinds.NUMBER, "20",
        "How long a decision may wait for its look-ups, in seconds. The governed call is denied then, and they end."),
    Key("tripwire", kinds.SWITCH, "true",
        "Report HTTP requests to AWS that bypassed the guard. They are not blocked."),
    Key("confirm_timeout_s", kinds.NUMBER, "120",
        "How long to wait for a confirmation at a terminal or in a notebook, in seconds. No answer denies the call."),
    Key("approval_wait_s", kinds.SECONDS, "600",
        "How long a blocked call in the main thread waits for the approval of a second person, in seconds. It is then "
        "decided on anew."),
    Key("approval_folder", kinds.FOLDER, '"/srv/approvals"',
        "The folder in which the users of this host ask each other for approvals, where hosts share no table.",
        "`$GUARDRAILS_APPROVALS`, or `/var/tmp/guardrails-approvals`"),
    Key("enforcement", kinds.ENFORCEMENT, '{ "network/route-table" = "dryrun" }',
        "The level of single rules, by rule id, instead of their own level and of `mode`."),
    Key("policies", kinds.POLICIES, '["my-policies"]',
        "Folders with your own policies, beside the shipped ones; or bundles, which hold all policies. A bundle is a "
        "file, a folder, `s3://BUCKET/KEY` or `https://HOST/PATH`."),
    Key("policy_key", kinds.FILE, '"public.pem"',
        "The key (PEM file or secret) that the bundles in `policies` must be signed with."),
    Key("max_bundle_age_s", kinds.NUMBER, "86_400",
        "How long ago a fetched bundle may have been checked at its source, in seconds. Governed calls are denied "
        "after that.",
        "no limit"),
    Key("notify", kinds.NOTIFY, '[{ to = "webhook", url_env = "SLACK_WEBHOOK", on = ["save"] }]',
        "Places that get a notice of a `save` (a blocked call that names something live), of an `approval` that is "
        "asked for, of a `break_glass` and of a `freeze`: each a table `[[notify]]`."),
    Key("telemetry", kinds.SWITCH, "true",
        "Report decisions and look-ups to OpenTelemetry, as spans and metrics (`pip install "
        "'botocore-guardrails[otel]'`)."),
    Key("waves", waves.WAVES, '{ "*" = "refuse", green = "split" }',
        "How machines are taken away: all at once (`off`), or first a few, then more (`wave_sizes`), with a pause and "
        "a look at the live cluster between. A call that takes more is denied (`refuse`), or the guard sends it in "
        "parts where the operation does the same to each machine (`split`). In a table, `*` is for all other clusters.",
        "`off`"),
    Key("wave_sizes", waves.SIZES, "[1, 10, 50]",
        "How many machines go at once in the first wave, in the second, and so on. After these, all the rest may go."),
    Key("wave_pause_s", kinds.NUMBER, "120",
        "How long after a wave the next one may begin, in seconds."),
    Key("wave_checks", waves.CHECKS, '["arn:aws:cloudwatch:eu-west-1:123456789012:alarm:errors"]',
        "Target groups and CloudWatch alarms, by ARN, that must be healthy before each wave that the guard or "
        "`guardrails.waves` sends, besides the live cluster."),
    Key("wave_command", kinds.STRINGS, '["is-the-shop-well"]',
        "A program that must end with exit code 0 before each of these waves. It is started without a shell."),
    Key("params", kinds.TABLE, '{ untagged = "deny" }',
        "Parameters of the policies, listed below; your own policies may declare more."),

    Key("bundle.region", kinds.REGION, '"eu-west-1"',
        "The region of the S3 buckets with bundles.",
        "the session's region"),
    Key("bundle.profile", kinds.STRING, '"guardrails"',
        "The profile of AWS's configuration with which bundles are fetched from S3.",
        "the session's credentials"),
    Key("bundle.token_file", kinds.FILE, '"/run/secrets/bundle-token"',
        "The file with the bearer token for bundles over HTTPS."),
    Key("bundle.token_env", kinds.STRING, '"BUNDLE_TOKEN"',
        "The environment variable with the bearer token for bundles over HTTPS."),
    Key("bundle.ca", kinds.FILE, '"ca.pem"',
        "The PEM file of the authority that signed the certificate of the HTTPS server.",
        "the system's authorities"),
    Key("bundle.timeout_s", kinds.NUMBER, "5",
        "How long to wait for a bundle, in seconds. The last one that was verified is used after that."),
    Key("bundle.poll_s", kinds.NUMBER, "300",
        "How often to look for a new bundle, in seconds."),
    Key("bundle.allow_unsigned", kinds.SWITCH, "true",
        "Accept fetched bundles without a signature: who can write to the bucket or the server makes your rules."),

    *live_keys.ROWS,

    Key("log.enabled", kinds.SWITCH, "false",
        "Write the decision log."),
    Key("log.path", kinds.LOG_FILE, '"/var/log/guardrails/decisions.jsonl"',
        'The file of the decision log, one JSON object per line; "-" writes it to standard error.',
        "`decisions.jsonl` in `$XDG_STATE_HOME/guardrails`, or in `~/.local/state/guardrails`"),
    Key("log.max_bytes", kinds.whole(10000), "10_000_000",
        "The size, in bytes, at which the log starts a new file."),
    Key("log.keep", kinds.whole(0), "20",
        "How many old log files are kept."),
    Key("log.labels", kinds.LABELS, '{ team = "web" }',
        "Labels that every entry of the log carries."),
    Key("log.sink", kinds.SINK, '"s3://example-logs/guardrails"',
        "Where decisions are uploaded: an OPA decision-log service (`https://…`, gzip batches to its `/logs`), an S3 "
        "bucket (`s3://BUCKET/PREFIX`) or a log group of CloudWatch Logs (`cloudwatch://GROUP`). Until it has them, "
        "they wait in the spool."),
    Key("log.upload", kinds.SWITCH, "false",
        "Let each guarded process upload in the background. With `false`, only `guardrails log upload` does."),
    Key("log.upload_delay_s", kinds.NUMBER, "60",
        "How long decisions are gathered before they are uploaded together, in seconds."),
    Key("log.spool", kinds.FOLDER, '"/var/spool/guardrails"',
        "The folder in which decisions wait for the sink.",
        "the path of the log with `.spool` at its end"),
    Key("log.spool_max_bytes", kinds.whole(100_000), "50_000_000",
        "How many bytes may wait for the sink. Governed calls are denied when there is no room; no decision is "
        "dropped."),
    Key("log.fsync", kinds.one_of("each", "interval", "none"), '"interval"',
        "When the spool is forced to the disk. A power failure of this host then loses no decision (`each`), at most "
        "the last 99 (`interval`), or all that the kernel had not written yet, however many (`none`). A killed process "
        "loses none of what it recorded in any case."),
    Key("log.region", kinds.REGION, '"eu-west-1"',
        "The region of the bucket or log group.",
        "the session's region"),
    Key("log.profile", kinds.STRING, '"guardrails-log"',
        "The profile of AWS's configuration with which decisions are uploaded.",
        "the session's credentials"),
    Key("log.token_file", kinds.FILE, '"/run/secrets/log-token"',
        "The file with the bearer token for a sink with an `https://` address."),
    Key("log.token_env", kinds.STRING, '"LOG_TOKEN"',
        "The environment variable with the bearer token for that sink."),
    Key("log.ca", kinds.FILE, '"ca.pem"',
        "The PEM file of the authority that signed the certificate of that sink.",
        "the system's authorities"),

    Key("state.enabled", kinds.SWITCH, "false",
        "Remember recent calls, for limits over a time window and for pacing."),
    Key("state.path", kinds.STATE_FILE, '"/var/lib/guardrails/state.db"',
        'The file of that memory, for all processes of this host; ":memory:" keeps it in this one. Projects with other '
        "`live` settings need a file each. What was asked last is in `state.db.hints` beside it, for the next process.",
        "`state.db` beside the decision log"),
    Key("state.window_s", kinds.NUMBER, "7200",
        "The time window, in seconds, over which destroyed and launched machines are counted."),

    Key("state.store", kinds.one_of("sqlite", "dynamodb"), '"dynamodb"',
        "Where that memory is: in a file of this host, or in a DynamoDB table that many hosts share. `guardrails state "
        "init` creates the table."),
    Key("state.table", kinds.DYNAMODB_TABLE, '"guardrails-prod"',
        "The DynamoDB table."),
    Key("state.region", kinds.REGION, '"eu-west-1"',
        "The region of the table.",
        "the session's region"),
    Key("state.profile", kinds.STRING, '"guardrails"',
        "The profile of AWS's configuration with which the guard uses the table.",
        "the session's credentials"),
    Key("state.timeout_s", kinds.NUMBER, "1",
        "How long to wait for the table, in seconds, at each step of a decision."),
    Key("state.fallback", kinds.one_of("deny", "host"), '"host"',
        "What happens while the table does not answer: what harms a live cluster, or one with bounds, is denied "
        "(`deny`), or this host goes on alone with its part of the bounds (`host`)."),
    Key("state.hosts", kinds.whole(1), "4",
        "How many hosts use the table. One that has to go on alone divides the bounds and rate limits by it."),

    Key("pacing.enabled", kinds.SWITCH, "false",
        "Slow EC2 calls down before AWS refuses them for their rate."),
    Key("pacing.share", kinds.SHARE, "0.5",
        "The share of EC2's and Elastic Load Balancing's rate limits that this host uses; the rest is left to others "
        "in the account."),
    Key("pacing.max_wait_s", kinds.NUMBER, "30",
        "The longest wait, in seconds. A call that would have to wait longer is refused."),

    Key("opa.url", kinds.URL, '"https://opa.internal:8181"',
        "The address of the OPA server."),
    Key("opa.urls", kinds.URLS, '["https://opa-1.internal:8181", "https://opa-2.internal:8181"]',
        "Several OPA servers with the same bundle, instead of `opa.url`. The first that answers decides.",
        "the one of `opa.url`"),
    Key("opa.fallback", kinds.one_of("deny", "embedded"), '"embedded"',
        "What happens while no OPA server answers: governed calls are denied, or the policies in this process decide, "
        "if they have the revision of the servers."),
    Key("opa.token_file", kinds.FILE, '"/run/secrets/opa-token"',
        "The file with the bearer token for that server."),
    Key("opa.token_env", kinds.STRING, '"OPA_TOKEN"',
        "The environment variable with the bearer token for that server."),
    Key("opa.ca", kinds.FILE, '"ca.pem"',
        "The PEM file of the authority that signed the server's certificate.",
        "the system's authorities"),
    Key("opa.cert", kinds.FILE, '"client.pem"',
        "The PEM file of this client's certificate, for mutual TLS."),
    Key("opa.key", kinds.FILE, '"client.key"',
        "The PEM file of this client's private key, for mutual TLS."),
    Key("opa.timeout_s", kinds.NUMBER, "5",
        "How long to wait for a decision, in seconds. The call is denied after that."),

    Key("caller.kind", kinds.one_of(*get_args(CallerKind)), '"ci"',
        "What makes the calls here. An agent whose host sets one of `caller.agent_marks` is one whatever this says.",
        "found out: an agent, a CI job, a notebook, a person at a terminal, or else a script"),
    Key("caller.agent_marks", kinds.NAMES, '["CLAUDECODE", "OUR_AGENT"]',
        "The environment variables that show that an agent makes the calls, also as `NAME=PART` of its value. An agent "
        "never confirms a call: a person approves it.",
        "those of the common hosts of agents, such as `CLAUDECODE`, `CURSOR_AGENT` and `GEMINI_CLI`"),

    Key("break_glass.max_minutes", kinds.NUMBER, "30",
        "The longest time, in minutes, for which break glass may set rules aside."),
    Key("break_glass.command", kinds.STRINGS, '["notify-on-call"]',
        "A command that is started at each break glass, with the details as JSON on its standard input."),
)  # fmt: skip

KEYS: Mapping[str, Key] = {key.name: key for key in _ROWS}
# Tables of keys. Other tables (params, enforcement, log.labels …) are values.
TABLES = tuple(dict.fromkeys(key.path[0] for key in _ROWS if len(key.path) > 1))
