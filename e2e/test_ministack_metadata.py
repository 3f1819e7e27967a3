"""Against MiniStack's metadata service and container endpoint: the keys that they give are keys."""

from __future__ import annotations

import pytest

from bedrock_auth import Host, create_session
from bedrock_auth.providers.container import Container
from bedrock_auth.providers.instance_metadata import InstanceMetadata
from bedrock_auth.refresh import Refresher

TASK = "/v2/credentials/7d1c6a0e-5a4e-4c55-8f4e-0b1d8c1c5a11"


def instance(url: str, **settings) -> InstanceMetadata:
    return InstanceMetadata(host=Host.isolated({"AWS_EC2_METADATA_SERVICE_ENDPOINT": url}), **settings)


def task(url: str) -> Container:
    return Container(host=Host.isolated({"AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{url}{TASK}"}))


def test_the_instances_role_has_keys_for_an_hour(ministack_url):
    keys = instance(ministack_url).retrieve()
    assert keys.access_key_id.startswith("ASIA")
    assert keys.session_token
    assert 3500 < keys.remaining() <= 3600
    assert keys.source == "instance-metadata"


def test_every_fetch_gives_new_keys_with_the_token_at_hand(ministack_url):
    provider = instance(ministack_url)
    assert provider.retrieve().access_key_id != provider.retrieve().access_key_id


def test_a_token_that_the_service_does_not_know_is_replaced(ministack_url):
    provider = instance(ministack_url)
    provider.retrieve()
    key = ("instance-metadata", ministack_url, "token")
    assert provider.host.recall(key)
    provider.host.keep(key, ("unknown", provider.host.clock() + 3600))
    assert provider.retrieve().session_token


def test_a_task_has_keys_for_an_hour(ministack_url):
    keys = task(ministack_url).retrieve()
    assert keys.access_key_id.startswith("ASIA")
    assert 3500 < keys.remaining() <= 3600
    assert keys.source == "container"


@pytest.mark.parametrize("provider", [instance, task])
def test_a_session_signs_with_the_keys(provider, ministack_url):
    source = Refresher(provider(ministack_url))
    session = create_session(source, region_name="us-east-1")
    assert session.get_credentials().access_key == source.current().access_key_id
