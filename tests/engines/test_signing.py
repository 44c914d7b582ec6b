"""Signed bundles: ours load in OPA, OPA's load here, and nothing changed or signed with another key loads."""

from __future__ import annotations

import base64
import gzip
import io
import json
import shutil
import subprocess
import tarfile
import time

import jwt
import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives import serialization as pem
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given
from hypothesis import strategies as st

import guardrails
from guardrails import assembly
from guardrails.cli.app import app
from guardrails.config.load import load
from guardrails.errors import ConfigError, PolicyError
from guardrails.evaluate import bundle, bundle_file, signature
from tests.support.opa_servers import opa_server

RSA = rsa.generate_private_key(65537, 2048)
OTHER = rsa.generate_private_key(65537, 2048)
KEYS = {
    "RS256": RSA,
    "PS384": RSA,
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "ES384": ec.generate_private_key(ec.SECP384R1()),
    "HS256": b"a secret that is long enough for the hash",
}


def key_files(folder, key, name="key"):
    """The files of a private and a public key; for a secret, the same file twice."""
    private, public = folder / f"{name}.pem", folder / f"{name}.pub"
    if isinstance(key, bytes):
        private.write_bytes(key)
        return private, private
    private.write_bytes(key.private_bytes(pem.Encoding.PEM, pem.PrivateFormat.PKCS8, pem.NoEncryption()))
    public.write_bytes(key.public_key().public_bytes(pem.Encoding.PEM, pem.PublicFormat.SubjectPublicKeyInfo))
    return private, public


@pytest.fixture
def keys(tmp_path):
    return key_files(tmp_path, RSA)


@pytest.fixture
def build(tmp_path):
    """build(*options): a bundle that `policy build` made."""

    def make(*options, code=0):
        config = tmp_path / "guardrails.toml"
        config.write_text("")
        output = tmp_path / "signed.tar.gz"
        arguments = ("policy", "--config", config, "build", "-o", output, *options)
        done = CliRunner().invoke(app, list(map(str, arguments)))
        assert done.exit_code == code, done.output
        return output if code == 0 else done.stderr

    return make


def repack(made, change):
    """The bundle after change(files: dict)."""
    files = dict(bundle_file.read(made).files)
    change(files)
    bundle_file.write(made, files)
    return made


def unpacked(made, folder):
    """The bundle as a folder."""
    for name, content in bundle_file.read(made).files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def policies(made, key):
    return assembly.policies(load({"policies": [str(made)], "policy_key": str(key)}))


@pytest.mark.parametrize("algorithm", KEYS)
def test_signed_here_verified_there(algorithm, build, tmp_path, opa):
    """A bundle that policy build signed is loaded by the embedded engine and by a real OPA that verifies."""
    private, public = key_files(tmp_path, KEYS[algorithm])
    made = build("--signing-key", private, "--signing-alg", algorithm, "--revision", "2026-11-24")
    assert policies(made, public).revision == "2026-11-24"
    flags = ("--verification-key", str(public), "--signing-alg", algorithm)
    with opa_server(opa, made, *flags):
        pass


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "HS256"])
def test_signed_there_verified_here(algorithm, build, tmp_path, opa):
    """A folder that `opa sign` signed is loaded with its key."""
    private, public = key_files(tmp_path, KEYS[algorithm])
    folder = unpacked(build("--revision", "seven"), tmp_path / "folder")
    extra = {"n": [1.50, 10, -0.0, 1e21], "text": "ü <&> \u2028 \x07 \x7f \U0001f600", "z": None, "Z": True}
    (folder / "extra").mkdir()
    (folder / "extra" / "data.json").write_text(json.dumps(extra).replace("1.5", "1.50"))
    command = [opa, "sign", "--signing-key", str(private), "--signing-alg", algorithm, "--bundle", "."]
    subprocess.run(command, check=True, capture_output=True, cwd=folder)
    assert policies(folder, public).revision == "seven"


def test_built_there_verified_here(keys, tmp_path, opa):
    """A tarball that `opa build` made of the shipped policies and signed is loaded with its key."""
    made = tmp_path / "theirs.tar.gz"
    command = [opa, "build", "-b", ".", "--ignore", "*_test.rego", "--signing-key", str(keys[0]), "-o", str(made)]
    subprocess.run([*command, "--revision", "theirs"], check=True, capture_output=True, cwd=bundle.shipped())
    assert policies(made, keys[1]).revision.startswith("theirs")


def unsigned(files):
    del files[bundle_file.SIGNATURES]


def changed(files):
    name = next(name for name in files if name.endswith(".rego") and b"live_cluster" in files[name])
    files[name] += b"\n# harmless\n"


def other_data(files):
    files["data.json"] = files["data.json"].replace(b'"Cluster"', b'"Team"')


def extra(files):
    files["policy/more.rego"] = b"package guardrails.more\n"


def missing(files):
    del files["policy/003.rego"]


def forged(header, key=b"", algorithm="none"):
    def change(files):
        token = json.loads(files[bundle_file.SIGNATURES])["signatures"][0]
        payload = token.split(".")[1]
        encoded = base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=").decode()
        message = f"{encoded}.{payload}"
        signed = b""
        if algorithm != "none":
            signed = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256).sign(message.encode(), key)
        mark = base64.urlsafe_b64encode(signed).rstrip(b"=").decode()
        files[bundle_file.SIGNATURES] = json.dumps({"signatures": [f"{message}.{mark}"]}).encode()

    return change


PUBLIC = RSA.public_key().public_bytes(pem.Encoding.PEM, pem.PublicFormat.SubjectPublicKeyInfo)
REFUSED = {
    "unsigned": (unsigned, "is not signed"),
    "changed": (changed, "was changed after it was signed"),
    "data": (other_data, "data.json: was changed after it was signed"),
    "extra": (extra, "more.rego: is not among the signed files"),
    "missing": (missing, "003.rego: is signed, but missing from the bundle"),
    "none": (forged({"alg": "none"}), "does not match the key"),
    "public key as secret": (forged({"alg": "HS256"}, PUBLIC, "HS256"), "does not match the key"),
    "garbage": (lambda files: files.update({bundle_file.SIGNATURES: b"[]"}), "does not match the key"),
    "two": (lambda files: files.update({bundle_file.SIGNATURES: b'{"signatures": ["a", "b"]}'}), "one signature"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case, build, keys, site, aws):
    """A bundle whose files or signature are not what was signed is refused at install, and nothing is guarded by it."""
    private, public = keys
    change, sentence = REFUSED[case]
    made = repack(build("--signing-key", private), change)
    with pytest.raises(PolicyError, match=sentence):
        guardrails.install({"policies": [str(made)], "policy_key": str(public)})


def test_a_stranger_key_is_refused(build, keys, tmp_path):
    """A bundle signed by someone else does not load."""
    private, _ = key_files(tmp_path, OTHER, "other")
    with pytest.raises(PolicyError, match="does not match the key"):
        policies(build("--signing-key", private), keys[1])


def test_a_weak_hash_and_a_scope_are_refused(build, keys):
    """Forgeable hashes and signatures for another scope are refused even if the key is right."""
    made = build("--signing-key", keys[0])
    names = bundle_file.read(made).files.keys() - {bundle_file.SIGNATURES}
    for claims, sentence in (
        ({"files": [{"name": name, "hash": "0", "algorithm": "MD5"} for name in names]}, "MD5"),
        ({"files": [], "scope": "write"}, "scope"),
        ({"files": "all"}, "lists no files"),
        ({"files": [], "exp": 1}, "expired"),
    ):
        files = dict(bundle_file.read(made).files)
        token = jwt.encode(claims, RSA, algorithm="RS256")
        files[bundle_file.SIGNATURES] = json.dumps({"signatures": [token]}).encode()
        bundle_file.write(made, files)
        with pytest.raises(PolicyError, match=sentence):
            policies(made, keys[1])


def test_a_key_needs_a_signed_bundle(keys, tmp_path, build):
    """A key without a bundle, a broken key, and a public key used to sign are each reported in one sentence."""
    with pytest.raises(ConfigError, match="`policies` names none"):
        assembly.policies(load({"policy_key": str(keys[1])}))
    broken = tmp_path / "broken.pem"
    broken.write_text("-----BEGIN PUBLIC KEY-----\nno\n-----END PUBLIC KEY-----\n")
    made = build("--signing-key", keys[0])
    for key, sentence in ((broken, "is not a key"), (tmp_path / "none", "cannot be read")):
        with pytest.raises(ConfigError, match=sentence):
            policies(made, key)
    assert "cannot sign" in build("--signing-key", keys[1], code=2)
    assert "does not work with this kind of key" in build("--signing-key", keys[0], "--signing-alg", "HS256", code=2)
    assert "--signing-alg needs a --signing-key" in build("--signing-alg", "HS256", code=2)


def test_a_tampered_bundle_does_not_take_effect(build, keys, site, aws, caplog):
    """In a running process a replaced bundle with the wrong signature changes nothing, and is reported once."""
    private, public = keys
    made = build("--signing-key", private, "--revision", "good")
    config = {"policies": [str(made)], "policy_key": str(public), "log": {"enabled": False}}
    guard = guardrails.install({**config, "state": {"enabled": False}})
    try:
        guard._engine._interval_s = guard._engine._settle_s = 0.0
        repack(made, changed)
        guard._engine._next = 0.0
        for _ in range(3):
            with pytest.raises(guardrails.CallDenied):
                site.ec2.terminate_instances(InstanceIds=[site.blue.instance_ids[0]])
            time.sleep(0.01)
        assert guard.revision.startswith("good")
        assert sum("was changed after it was signed" in record.message for record in caplog.records) == 1
        assert not aws.count("TerminateInstances")
    finally:
        guardrails.uninstall()


def test_parameters_of_this_host_show_in_the_revision(build, tmp_path):
    """The revision is the manifest's if the parameters are the bundle's, and has a digest appended if not."""
    made = build("--revision", "v1")
    assert assembly.policies(load({"policies": [str(made)]})).revision == "v1"
    other = assembly.policies(load({"policies": [str(made)], "cluster_tag": "Team"})).revision
    assert other.startswith("v1+")


def test_a_file_that_is_there_twice_is_refused(build, tmp_path):
    """A tarball with two files of one name could show one to the check and the other to the engine."""
    made = build()
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name in ("a.rego", "./a.rego"):
            archive.addfile(tarfile.TarInfo(name), io.BytesIO())
    made.write_bytes(gzip.compress(packed.getvalue()))
    with pytest.raises(PolicyError, match="appears twice"):
        bundle_file.read(made)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text(st.characters(codec="utf-8"), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.text(max_size=3), JSON, max_size=3))
def test_formatting_does_not_change_the_hash(document):
    """Data is signed by its contents: order and white space do not matter."""
    indented = json.dumps(document, indent=3).encode()
    compact = json.dumps(document, sort_keys=True, ensure_ascii=False).encode("utf-8", "surrogatepass")
    assert signature._hash("x/data.json", indented, "sha256") == signature._hash("data.json", compact, "sha256")


def test_a_bundle_folder_is_read_where_its_data_lies(build, tmp_path):
    """A data.json in a folder of the bundle is data under that name; YAML is refused instead of ignored."""
    unpacked(build(), tmp_path / "folder")
    inner = tmp_path / "folder" / "team" / "limits"
    inner.mkdir(parents=True)
    (inner / "data.json").write_text('{"most": 3}')
    assert assembly.policies(load({"policies": [str(tmp_path / "folder")]})).data["team"] == {"limits": {"most": 3}}
    shutil.move(inner / "data.json", inner / "data.yaml")
    with pytest.raises(PolicyError, match=r"data\.yaml: only JSON data is read"):
        assembly.policies(load({"policies": [str(tmp_path / "folder")]}))


@pytest.mark.parametrize("kind", ["tarball", "bundle folder", "folder"])
def test_too_many_policies(tmp_path, kind):
    """A bundle or folder with far more policies than anyone writes is refused in one sentence, before it is parsed."""
    files = {f"policy/{number}.rego": b"not parsed" for number in range(1_001)}
    place = tmp_path / ("many.tar.gz" if kind == "tarball" else "many")
    if kind == "tarball":
        bundle_file.write(place, files)
    else:
        (place / "policy").mkdir(parents=True)
        for name, content in files.items():
            (place / name).write_bytes(content)
        if kind == "bundle folder":
            (place / ".manifest").write_text("{}")
    with pytest.raises(PolicyError, match=rf"{place.name}: has 1,001 policies, more than the 1,000 allowed"):
        assembly.policies(load({"policies": [str(place)]}))
