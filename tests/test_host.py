from __future__ import annotations

import copy
import os
import pickle
import signal
from concurrent.futures import ThreadPoolExecutor

import pytest

from bedrock_auth.errors import ConfigurationError
from bedrock_auth.host import Host, is_loopback, refuse_plain_http


def test_the_system_host_is_one_object_and_pickles_as_itself():
    assert Host.system() is Host.system()
    assert pickle.loads(pickle.dumps(Host.system())) is Host.system()
    assert copy.deepcopy(Host.system()) is Host.system()
    assert repr(Host.system()) == "Host.system()"


def test_an_isolated_host_sees_only_what_it_was_given(monkeypatch):
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    host = Host.isolated({"AWS_DEFAULT_REGION": " us-west-2 "})
    assert host.region() == "us-west-2"
    assert Host.system().region() == "eu-west-1"
    assert "AWS" not in repr(host)
    twin = pickle.loads(pickle.dumps(host))
    assert twin.region() == "us-west-2"


def test_blank_settings_are_unset():
    host = Host.isolated({"A": "  ", "B": " x\n"})
    assert host.setting("A") is None
    assert host.setting("B") == "x"
    assert host.setting("C") is None


def test_chance_is_reproducible_with_a_seed():
    assert Host.isolated(seed=7).uniform(0, 1) == Host.isolated(seed=7).uniform(0, 1)


def test_lambda_freezes_between_requests():
    assert Host.isolated({"AWS_LAMBDA_FUNCTION_NAME": "f"}).freezes_between_requests()
    assert not Host.isolated().freezes_between_requests()


def test_clients_are_built_once_per_service_and_region():
    host = Host.isolated()
    with ThreadPoolExecutor(8) as people:
        clients = set(people.map(lambda _: host.client("sts", "us-east-1"), range(16)))
    assert len(clients) == 1
    assert host.client("sts", "eu-west-1") not in clients


def test_a_client_of_an_isolated_host_takes_its_endpoint_from_there():
    host = Host.isolated({"AWS_ENDPOINT_URL_STS": "http://127.0.0.1:1"})
    assert host.client("sts", "us-east-1").meta.endpoint_url == "http://127.0.0.1:1"
    assert Host.isolated({"AWS_ENDPOINT_URL": "https://x.test"}).client("sts", "us-east-1").meta.endpoint_url == "https://x.test"
    assert Host.isolated().client("sts", "us-east-1").meta.endpoint_url == "https://sts.us-east-1.amazonaws.com"


def test_an_endpoint_that_changes_is_noticed(monkeypatch):
    host = Host.system()
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", "https://one.test")
    one = host.client("sts", "us-east-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", "https://two.test")
    assert host.client("sts", "us-east-1").meta.endpoint_url == "https://two.test"
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", "https://one.test")
    assert host.client("sts", "us-east-1") is one
    monkeypatch.setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")
    assert host.client("sts", "us-east-1").meta.endpoint_url == "https://sts.us-east-1.amazonaws.com"


def test_credentials_are_not_exchanged_over_plain_http():
    host = Host.isolated({"AWS_ENDPOINT_URL_STS": "http://sts.internal:8080"})
    with pytest.raises(ConfigurationError, match="the sts endpoint is http://sts.internal: credentials are exchanged over https"):
        host.client("sts", "us-east-1")


def test_a_region_that_cannot_be_one_is_named():
    with pytest.raises(ConfigurationError, match="no sts client can be made for region 'not a region!'"):
        Host.isolated().client("sts", "not a region!")


def test_a_client_has_no_credentials_whatever_lies_around(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIADECOYDECOYDECOY0")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "decoy")
    assert Host.isolated().client("sts", "us-east-1")._request_signer._credentials is None


@pytest.mark.parametrize(
    ("name", "local"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("10.0.0.1", False),
        ("localhost.evil", False),
        ("", False),
    ],
)
def test_loopback(name, local):
    assert is_loopback(name) is local


@pytest.mark.parametrize("url", ["https://sts.amazonaws.com", "http://127.0.0.1:5000", "http://[::1]:5000", "http://localhost"])
def test_https_and_loopback_pass(url):
    refuse_plain_http(url, setting="x")


@pytest.mark.parametrize("url", ["http://169.254.169.254", "ftp://localhost", "http://localhost.example", "sts.amazonaws.com"])
def test_everything_else_is_refused(url):
    with pytest.raises(ConfigurationError, match="over https only"):
        refuse_plain_http(url, setting="x")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform has no fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_child_has_its_own_clients_lock_and_chance():
    host = Host.isolated()
    client = host.client("sts", "us-east-1")
    before = host.uniform(0, 1)
    with host._lock:
        child = os.fork()
        if child == 0:
            signal.alarm(20)
            os._exit(0 if host.client("sts", "us-east-1") is not client and host.uniform(0, 1) != before else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert host.client("sts", "us-east-1") is client
