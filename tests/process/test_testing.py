"""guardrails.testing: the simulated AWS records what arrives, answers as AWS does, and counts right."""

import os
import subprocess
import sys
import threading
import time

import boto3
import botocore.exceptions
import pytest

import guardrails
from guardrails.testing import SimulatedAWS


@pytest.fixture(scope="module")
def server():
    with SimulatedAWS() as aws:
        yield aws


@pytest.fixture
def aws(server):
    server.reset()
    return server


def error_of(caught):
    response = caught.value.response
    return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"], response["Error"]["Message"]


def test_records_what_arrived(aws):
    """A request is recorded with its service, operation, form fields and time of arrival."""
    before = time.time()
    aws.client("ec2").describe_instances(Filters=[{"Name": "tag:Cluster", "Values": ["blue"]}])
    (request,) = aws.requests
    assert (request.service, request.operation) == ("ec2", "DescribeInstances")
    assert request.params["Filter.1.Value.1"] == "blue"
    assert before <= request.at <= time.time()


def test_reads_json_protocols(aws):
    """A request of a JSON protocol is recorded with the operation of its X-Amz-Target and its top-level members."""
    aws.client("ssm").put_parameter(Name="/live", Value="blue", Type="String", Overwrite=True)
    (request,) = aws.requests
    assert (request.service, request.operation) == ("ssm", "PutParameter")
    assert (request.params["Name"], request.params["Overwrite"]) == ("/live", "true")


def test_records_presigned_and_rest(aws):
    """A presigned request and a REST request are recorded as well, read from their URLs."""
    import urllib.request

    url = aws.client("ec2").generate_presigned_url("describe_regions", {"RegionNames": ["eu-west-1"]})
    urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url).close()
    aws.client("s3").create_bucket(Bucket="some-bucket", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    presigned, rest = aws.requests
    assert (presigned.service, presigned.operation, presigned.params["RegionName.1"]) == (
        "ec2",
        "DescribeRegions",
        "eu-west-1",
    )
    assert (rest.service, rest.operation) == ("s3", "PUT /some-bucket")


def test_counts_every_retry(aws):
    """An error that botocore retries is counted once per attempt, because it is counted at the server."""
    aws.answer("DescribeInstances", 503, "RequestLimitExceeded", "Request limit exceeded.", times=2)
    aws.client("ec2").describe_instances()
    assert aws.count("DescribeInstances") == 3


def test_concurrent_requests_are_all_counted(aws):
    """Forty requests from eight threads are forty requests."""
    client = aws.client("ec2")
    threads = [threading.Thread(target=lambda: [client.describe_addresses() for _ in range(5)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert aws.count("DescribeAddresses") == 40


@pytest.mark.parametrize(
    ("service", "operation", "method"),
    [
        ("ec2", "DescribeInstances", "describe_instances"),
        ("autoscaling", "DescribeAutoScalingGroups", "describe_auto_scaling_groups"),
        ("ssm", "DescribeParameters", "describe_parameters"),
        ("lambda", "GET /2015-03-31/functions", "list_functions"),
        ("s3", "GET /", "list_buckets"),
    ],
)
def test_faults_read_as_aws_errors(aws, service, operation, method):
    """A fault arrives as a ClientError with its status, code and message in every kind of protocol."""
    aws.answer(operation, 403, "NotToday", "Come back <tomorrow> & ask.", times=1)
    client = aws.client(service)
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        getattr(client, method)()
    assert error_of(caught) == (403, "NotToday", "Come back <tomorrow> & ask.")
    getattr(client, method)()  # the one time is over


def test_a_service_that_moto_has_not(aws, capsys):
    """It is refused in one sentence, once, and nothing is printed."""
    with pytest.raises(botocore.exceptions.ClientError, match="moto does not simulate globalaccelerator"):
        aws.client("globalaccelerator").list_accelerators()
    assert aws.count("ListAccelerators") == 1
    assert "".join(capsys.readouterr()) == ""


def test_a_fault_changes_nothing(aws):
    """An operation that is answered with a fault does not happen."""
    cluster = aws.start_cluster("blue", 2)
    aws.answer("TerminateInstances", 403, "UnauthorizedOperation", "No.")
    with pytest.raises(botocore.exceptions.ClientError):
        aws.client("ec2").terminate_instances(InstanceIds=list(cluster.instance_ids))
    assert aws.running("blue") == 2


def test_delay_is_on_the_server(aws):
    """A delay holds every answer back by that many seconds, and reset() ends it."""
    client = aws.client("ec2")

    def seconds():
        started = time.monotonic()
        client.describe_addresses()
        return time.monotonic() - started

    aws.delay(0.4)
    assert seconds() >= 0.4
    aws.reset()
    # The quickest of some, because the machine may be busy.
    assert min(seconds() for _ in range(5)) < 0.4


def test_reset_empties_everything(aws):
    """reset() forgets machines, requests and faults; clear() only requests."""
    aws.start_cluster("blue", 1)
    aws.client("ec2").describe_addresses()
    aws.clear()
    assert aws.requests == ()
    assert aws.running("blue") == 1
    aws.answer("DescribeAddresses", 400, "No", "no")
    aws.client("ec2").describe_vpcs()
    aws.reset()
    assert aws.requests == ()
    assert aws.running("blue") == 0
    aws.client("ec2").describe_addresses()


def test_clusters_count_right(aws):
    """running() counts the running machines of one cluster, machines() names them, addresses() their Elastic IPs."""
    blue = aws.start_cluster("blue", 3, addresses=2, tags={"Team": "web"})
    green = aws.start_cluster("green", 2, cluster_tag="Role")
    ec2 = aws.client("ec2")
    assert (aws.running("blue"), aws.running("green"), aws.running("green", cluster_tag="Role")) == (3, 0, 2)
    assert set(aws.machines("blue")) == set(blue.instance_ids)
    assert aws.addresses("blue") == tuple(sorted(blue.public_ips))
    ec2.terminate_instances(InstanceIds=[blue.instance_ids[0]])
    ec2.stop_instances(InstanceIds=[green.instance_ids[0]])
    assert (aws.running("blue"), aws.running("green", cluster_tag="Role")) == (2, 1)
    assert aws.addresses("blue") == blue.public_ips[1:]


def test_set_up_is_not_recorded(aws):
    """The double's own calls are no requests of the code under test."""
    aws.start_cluster("blue", 2, addresses=1, subnet=aws.create_subnet("10.0.1.0/24"))
    aws.running("blue")
    assert aws.requests == ()


def test_a_full_subnet_refuses_as_aws_does(aws):
    """A launch that does not fit is refused with InsufficientFreeAddressesInSubnet, and what fits is started."""
    subnet = aws.create_subnet("10.0.0.0/28")
    aws.start_cluster("blue", 6, subnet=subnet)
    launch = {"ImageId": "ami-12345678", "SubnetId": subnet}
    ec2 = aws.client("ec2")
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        ec2.run_instances(**launch, MinCount=6, MaxCount=6)
    assert error_of(caught)[:2] == (400, "InsufficientFreeAddressesInSubnet")
    assert len(ec2.run_instances(**launch, MinCount=5, MaxCount=5)["Instances"]) == 5
    assert ec2.describe_subnets(SubnetIds=[subnet])["Subnets"][0]["AvailableIpAddressCount"] == 0


def test_set_up_works_under_a_guard(aws):
    """Clusters are made, counted and reset while a guard that would block such calls is installed."""
    guardrails.install({"log": {"enabled": False}})
    try:
        blue = aws.start_cluster("blue", 2, addresses=1)
        assert (aws.running("blue"), len(aws.addresses("blue"))) == (2, 1)
        with pytest.raises(guardrails.CallDenied):
            aws.client("ec2").terminate_instances(InstanceIds=list(blue.instance_ids))
        assert aws.count("TerminateInstances") == 0
        assert aws.count("DescribeInstances") > 0
        aws.reset()
    finally:
        guardrails.uninstall()


def test_sessions_reach_nothing_else(aws, monkeypatch, tmp_path):
    """session() works whatever profile, files, endpoint and proxy the environment names."""
    (tmp_path / "config").write_text("[default]\nregion = us-east-1\nendpoint_url = http://127.0.0.1:1\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    session = aws.session()
    assert session.client("ec2").meta.region_name == aws.region
    assert list(session.resource("ec2").instances.all()) == []
    session.client("ssm").describe_parameters()
    session.client("s3", config=boto3.session.Config(retries={"total_max_attempts": 1})).list_buckets()
    assert len(aws.requests) == 3


def test_subprocesses_reach_it(aws):
    """A script in another process reaches the server with environment() alone."""
    aws.start_cluster("blue", 2)
    script = "import boto3; print(len(boto3.client('ec2').describe_instances()['Reservations'][0]['Instances']))"
    environment = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**environment, **aws.environment()},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "2\n"
    assert aws.count("DescribeInstances") == 1


def test_starts_with_a_broken_profile():
    """An AWS_PROFILE that does not exist keeps nothing from working, and is there again after the block."""
    script = (
        "import os; from guardrails.testing import SimulatedAWS\n"
        "with SimulatedAWS() as aws: aws.start_cluster('blue', 1); print(aws.running('blue'))\n"
        "print(os.environ['AWS_PROFILE'])"
    )
    environment = {**os.environ, "AWS_PROFILE": "nobody"}
    done = subprocess.run(
        [sys.executable, "-W", "error::UserWarning", "-c", script],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr, done.returncode) == ("1\nnobody\n", "", 0)


def test_without_moto_it_says_what_to_install():
    """The module imports without moto; starting it names the command that installs it."""
    script = (
        "import sys; sys.modules['moto'] = None\n"
        "from guardrails.testing import SimulatedAWS\n"
        "try: SimulatedAWS().__enter__()\n"
        "except ImportError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "pip install 'botocore-guardrails[demo]'" in done.stdout


def test_outside_the_block_it_says_so():
    """Using the double before or after its block is a RuntimeError that names the with statement."""
    with pytest.raises(RuntimeError, match="with statement"):
        SimulatedAWS().client("ec2")


def test_stops_on_exceptions():
    """The server's thread ends with the block, also when the block raises."""
    before = set(threading.enumerate())
    with pytest.raises(ZeroDivisionError), SimulatedAWS():
        raise ZeroDivisionError
    assert not {thread for thread in set(threading.enumerate()) - before if "simulated" in thread.name}
