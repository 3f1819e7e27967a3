"""ApplyGuardrail of LocalBedrock, as raw boto3 sees it."""

from __future__ import annotations

import json

import pytest
from botocore.exceptions import ClientError
from botocore.validate import ParamValidator

from bedrock_auth.testing import GuardrailReply, Reply, Throttle

FOUND = {"wordPolicy": {"customWords": [{"match": "secret", "action": "BLOCKED"}], "managedWordLists": []}}
ARN = "arn:aws:bedrock:us-east-1:123456789012:guardrail/gr1abc"


def ask(client, *texts, guardrail="gr1abc", version="DRAFT", source="INPUT"):
    content = [{"text": {"text": text}} for text in texts]
    return client.apply_guardrail(guardrailIdentifier=guardrail, guardrailVersion=version, source=source, content=content)


def said(answer):
    return answer["action"], [output["text"] for output in answer["outputs"]], answer["actionReason"]


def test_by_default_it_has_nothing_against_anything(bedrock, client):
    answer = ask(client, "anything")
    assert said(answer) == ("NONE", [], "No action.")
    assert answer["assessments"] == []
    assert answer["guardrailCoverage"] == {"textCharacters": {"guarded": 8, "total": 8}}


@pytest.mark.parametrize(
    "reply", [GuardrailReply(), GuardrailReply("No."), GuardrailReply(["a", "b"], assessments=[FOUND], reason="Masked.")]
)
def test_what_it_says_is_what_botocores_model_of_the_service_has(bedrock, client, reply):
    bodies = []
    client.meta.events.register("before-parse", lambda response_dict, **_: bodies.append(json.loads(response_dict["body"])))
    bedrock.guardrail = [reply]
    ask(client, "anything")
    shape = client.meta.service_model.operation_model("ApplyGuardrail").output_shape
    assert not ParamValidator().validate(bodies[0], shape).has_errors()


def test_a_script_says_in_order_what_to_show_instead(bedrock, client):
    bedrock.guardrail = [None, "No.", GuardrailReply(["a {NAME}"], assessments=[FOUND], reason="Guardrail masked.")]
    answers = [ask(client, "a Bob") for _ in range(4)]
    assert said(answers[0]) == ("NONE", [], "No action.")
    assert said(answers[1]) == ("GUARDRAIL_INTERVENED", ["No."], "Guardrail blocked.")
    assert said(answers[2]) == said(answers[3]) == ("GUARDRAIL_INTERVENED", ["a {NAME}"], "Guardrail masked.")
    assert answers[2]["assessments"] == [FOUND]


def test_a_function_sees_the_texts_and_who_is_asked(bedrock, client):
    bedrock.guardrail = lambda request: f"{request.guardrail_id} {request.guardrail_version}: {request.text}"
    assert said(ask(client, "one", "two", version="3"))[1] == ["gr1abc 3: one two"]
    assert said(ask(client, "one", guardrail=ARN))[1] == [f"{ARN} DRAFT: one"]
    assert [request.operation for request in bedrock.requests] == ["ApplyGuardrail"] * 2


def test_it_breaks_like_everything_else(bedrock, client):
    bedrock.guardrail = [Throttle(), GuardrailReply("No.", fault=Throttle()), "No."]
    bedrock.fault(Throttle())
    for _ in range(3):
        with pytest.raises(ClientError, match="ThrottlingException"):
            ask(client, "anything")
    assert said(ask(client, "anything"))[0] == "GUARDRAIL_INTERVENED"


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"guardrail": "GR"}, "guardrail_id"),
        ({"version": "0"}, "guardrail_version"),
        ({"source": "NEITHER"}, "source"),
    ],
)
def test_what_aws_would_refuse_is_refused(bedrock, client, asked, words):
    with pytest.raises(ClientError, match=f"ValidationException.*{words}"):
        ask(client, "anything", **asked)
    with pytest.raises(ClientError, match=r"ValidationException.*content"):
        ask(client)


def test_what_is_no_verdict_is_refused_at_once_and_a_model_and_a_guardrail_are_not_mistaken_for_each_other(bedrock, client):
    for wrong in ([3], [["a", 3]], "a text", 3):
        with pytest.raises(TypeError):
            bedrock.guardrail = wrong
    bedrock.guardrail = [Reply("Hello")]
    with pytest.raises(ClientError, match="cannot answer ApplyGuardrail"):
        ask(client, "anything")
    bedrock.reply(GuardrailReply("No."))
    with pytest.raises(ClientError, match="a GuardrailReply cannot answer Converse"):
        client.converse(modelId="any.model", messages=[{"role": "user", "content": [{"text": "Hello"}]}])
