"""A knowledge base of a Bedrock that is not ours: MiniStack's, over files in its S3, with the keys of a role.

It searches by words and filters by metadata. It takes neither pages, search types nor rerankings into account, generates a hash
of the question without citations, takes any session id, and does not send the session id of a stream.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from bedrock_auth import AssumeRole, Static, create_session
from bedrock_auth.bedrock.errors import ServiceError
from bedrock_auth.bedrock.knowledge_base import KnowledgeBase
from bedrock_auth.bedrock.retrieval.fields import F
from support.ministack import EXTERNAL_ID, REGION, allow

if TYPE_CHECKING:
    from support.ministack import Stack

MODEL = "amazon.nova-lite-v1:0"
EMBEDDING = f"arn:aws:bedrock:{REGION}::foundation-model/amazon.titan-embed-text-v2:0"
FILES = {
    "sky.txt": ("The sky is blue because of Rayleigh scattering.", {"year": 2024, "lang": "en", "tags": ["air", "light"]}),
    "banana.txt": ("Bananas are yellow, not blue.", {"year": 2020, "lang": "en"}),
    "himmel.txt": ("Der Himmel ist blue, sagt er.", {"year": 2022, "lang": "de"}),
}
COUNT = len(FILES)


def make_knowledge_base(admin: boto3.Session, url: str) -> str:
    """Put the files into a bucket, and the bucket into a knowledge base; its id."""
    s3: Any = admin.client("s3", endpoint_url=url)
    s3.create_bucket(Bucket="library")
    for name, (text, metadata) in FILES.items():
        s3.put_object(Bucket="library", Key=name, Body=text.encode())
        s3.put_object(Bucket="library", Key=f"{name}.metadata.json", Body=json.dumps({"metadataAttributes": metadata}).encode())
    control: Any = admin.client("bedrock-agent", endpoint_url=url)
    vectors = {"type": "VECTOR", "vectorKnowledgeBaseConfiguration": {"embeddingModelArn": EMBEDDING}}
    made = control.create_knowledge_base(
        name="library", roleArn="arn:aws:iam::000000000000:role/library", knowledgeBaseConfiguration=vectors
    )
    knowledge_base_id: str = made["knowledgeBase"]["knowledgeBaseId"]
    source = {"type": "S3", "s3Configuration": {"bucketArn": "arn:aws:s3:::library"}}
    made = control.create_data_source(knowledgeBaseId=knowledge_base_id, name="files", dataSourceConfiguration=source)
    control.start_ingestion_job(knowledgeBaseId=knowledge_base_id, dataSourceId=made["dataSource"]["dataSourceId"])
    return knowledge_base_id


@pytest.fixture(scope="module")
def knowledge_base(stack: Stack) -> KnowledgeBase:
    admin = boto3.Session("test", "test", region_name=REGION)
    actions = ("bedrock:Retrieve", "bedrock:RetrieveAndGenerate", "bedrock:RetrieveAndGenerateStream")
    iam: Any = admin.client("iam", endpoint_url=stack.url)
    iam.put_role_policy(RoleName="Bedrock", PolicyName="may-search", PolicyDocument=allow(*actions))
    user = Static(stack.access_key_id, stack.secret_access_key)
    session = create_session(AssumeRole(stack.role_arn, source=user, external_id=EXTERNAL_ID), region_name=REGION)
    return KnowledgeBase(session, knowledge_base_id=make_knowledge_base(admin, stack.url))


def test_hits_have_text_place_score_and_metadata(knowledge_base):
    found = knowledge_base.retrieve("Why is the sky blue?", top_k=2)
    assert len(found) == 2
    best = next(iter(found))
    assert (best.text, best.uri) == (FILES["sky.txt"][0], "s3://library/sky.txt")
    assert best.metadata == FILES["sky.txt"][1]
    assert best.score > 0.5


@pytest.mark.parametrize(
    ("condition", "files"),
    [
        (F.year > 2021, {"sky.txt", "himmel.txt"}),
        ((F.year >= 2020) & (F.lang == "en"), {"sky.txt", "banana.txt"}),
        ((F.year < 2021) | F.lang.in_(["de"]), {"banana.txt", "himmel.txt"}),
        (~(F.lang == "en"), {"himmel.txt"}),
        (F.tags.list_contains("air") | F.lang.string_contains("e"), {"sky.txt", "banana.txt", "himmel.txt"}),
        (F.lang.not_in(["de", "fr"]) & (F.year != 2020) & (F.year <= 2024), {"sky.txt"}),
        (F.lang.starts_with("d"), {"himmel.txt"}),
    ],
    ids=lambda value: " ".join(sorted(value)) if isinstance(value, set) else str(value),  # the same in every process
)
def test_another_bedrock_reads_our_filters_as_they_are_meant(knowledge_base, condition, files):
    found = knowledge_base.retrieve("blue", filter=condition)
    assert {hit.uri for hit in found} == {f"s3://library/{name}" for name in files}


def test_all_hits_come_once(knowledge_base):
    assert len(list(knowledge_base.retrieve_all("blue", top_k=COUNT))) == COUNT


def test_an_answer_is_generated_whole_and_in_a_stream(knowledge_base):
    whole = knowledge_base.retrieve_and_generate("Why is the sky blue?", MODEL)
    assert whole.text
    assert whole.session_id
    with knowledge_base.retrieve_and_generate_stream("Why is the sky blue?", MODEL) as stream:
        assert "".join(stream.text_stream)


def test_a_knowledge_base_that_is_not_there_is_not_found(knowledge_base, stack):
    user = Static(stack.access_key_id, stack.secret_access_key)
    session = create_session(AssumeRole(stack.role_arn, source=user, external_id=EXTERNAL_ID), region_name=REGION)
    with pytest.raises(ServiceError, match="not found"):
        KnowledgeBase(session, knowledge_base_id="NOTTHERE12").retrieve("blue")
