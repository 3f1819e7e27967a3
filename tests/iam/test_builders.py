"""The exact JSON of each builder, in each partition."""

from __future__ import annotations

import json

import pytest

from bedrock_auth import ConfigurationError, FromCallable, create_session, iam
from bedrock_auth.bedrock import ModelRef
from bedrock_auth.testing import LocalBedrock, inference_profile

ACCOUNT = "123456789012"
BOTH = ["bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"]
PLACES = [("aws", "us-east-1", "us-west-2"), ("aws-us-gov", "us-gov-west-1", "us-gov-east-1"),
          ("aws-cn", "cn-north-1", "cn-northwest-1"), ("aws-eusc", "eusc-de-east-1", "eusc-de-east-1")]  # fmt: skip
everywhere = pytest.mark.parametrize(("partition", "region", "other"), PLACES, ids=[place[0] for place in PLACES])


def statements(policy):
    document = json.loads(policy.to_json())
    assert list(document) == ["Version", "Statement"]
    assert document["Version"] == "2012-10-17"
    assert iam.lint(policy) == [finding for finding in iam.lint(policy) if finding.severity == "note"]
    return document["Statement"]


@everywhere
def test_a_model_on_demand_takes_its_arn_without_an_account(partition, region, other):
    assert statements(iam.invoke_model("amazon.nova-lite-v1:0", region_name=region)) == [
        {
            "Sid": "InvokeModel",
            "Effect": "Allow",
            "Action": BOTH,
            "Resource": f"arn:{partition}:bedrock:{region}::foundation-model/amazon.nova-lite-v1:0",
        }
    ]


def test_without_streaming_there_is_one_action():
    policy = iam.invoke_model("amazon.nova-lite-v1:0", region_name="us-east-1", streaming=False)
    assert statements(policy)[0]["Action"] == "bedrock:InvokeModel"


@everywhere
def test_a_geographic_profile_takes_itself_and_its_model_in_every_region_but_only_through_it(partition, region, other):
    profile = f"arn:{partition}:bedrock:{region}:{ACCOUNT}:inference-profile/xx.amazon.nova-lite-v1:0"
    models = [
        f"arn:{partition}:bedrock:{each}::foundation-model/amazon.nova-lite-v1:0" for each in dict.fromkeys((region, other))
    ]
    made = iam.invoke_model("xx.amazon.nova-lite-v1:0", region_name=region, account_id=ACCOUNT, destinations=[other, region])
    assert statements(made) == [
        {"Sid": "InvokeProfile", "Effect": "Allow", "Action": BOTH, "Resource": profile},
        {
            "Sid": "InvokeModelThroughProfile",
            "Effect": "Allow",
            "Action": BOTH,
            "Resource": models if len(models) > 1 else models[0],
            "Condition": {"StringEquals": {"bedrock:InferenceProfileArn": profile}},
        },
    ]
    assert iam.invoke_model(profile, destinations=models) == made
    assert iam.lint(made, model_id="xx.amazon.nova-lite-v1:0") == []


@everywhere
def test_a_global_profile_takes_three_statements(partition, region, other):
    profile = f"arn:{partition}:bedrock:{region}:{ACCOUNT}:inference-profile/global.anthropic.claude-sonnet-4-5"
    made = iam.invoke_model("global.anthropic.claude-sonnet-4-5", region_name=region, account_id=ACCOUNT)
    assert statements(made) == [
        {
            "Sid": "InvokeProfile",
            "Effect": "Allow",
            "Action": BOTH,
            "Resource": profile,
            "Condition": {"StringEquals": {"aws:RequestedRegion": region}},
        },
        {
            "Sid": "InvokeModelThroughProfile",
            "Effect": "Allow",
            "Action": BOTH,
            "Resource": f"arn:{partition}:bedrock:{region}::foundation-model/anthropic.claude-sonnet-4-5",
            "Condition": {"StringEquals": {"aws:RequestedRegion": region, "bedrock:InferenceProfileArn": profile}},
        },
        {
            "Sid": "InvokeModelAnywhereThroughProfile",
            "Effect": "Allow",
            "Action": BOTH,
            "Resource": f"arn:{partition}:bedrock:::foundation-model/anthropic.claude-sonnet-4-5",
            "Condition": {"StringEquals": {"aws:RequestedRegion": "unspecified", "bedrock:InferenceProfileArn": profile}},
        },
    ]
    assert iam.lint(made, model_id="global.anthropic.claude-sonnet-4-5") == []


@everywhere
def test_an_applications_profile_takes_itself_and_the_models_that_aws_tells_of(partition, region, other):
    profile = f"arn:{partition}:bedrock:{region}:{ACCOUNT}:application-inference-profile/a1b2c3d4e5f6"
    model = f"arn:{partition}:bedrock:{other}::foundation-model/amazon.nova-lite-v1:0"
    made = iam.invoke_model(profile, destinations=model)
    assert statements(made) == [
        {"Sid": "InvokeProfile", "Effect": "Allow", "Action": BOTH, "Resource": profile},
        {
            "Sid": "InvokeModelThroughProfile",
            "Effect": "Allow",
            "Action": BOTH,
            "Resource": model,
            "Condition": {"StringEquals": {"bedrock:InferenceProfileArn": profile}},
        },
    ]
    assert iam.lint(made, model_id=profile) == []


def test_an_applications_profile_of_a_global_one_reaches_everywhere():
    profile = f"arn:aws:bedrock:us-east-1:{ACCOUNT}:application-inference-profile/a1b2c3d4e5f6"
    models = [f"arn:aws:bedrock:{region}::foundation-model/amazon.nova-2-lite-v1:0" for region in ("us-east-1", "")]
    own, here, anywhere = statements(iam.invoke_model(profile, destinations=models))
    assert own["Condition"]["StringEquals"] == {"aws:RequestedRegion": "us-east-1"}
    assert here["Condition"]["StringEquals"]["aws:RequestedRegion"] == "us-east-1"
    assert (anywhere["Resource"], anywhere["Condition"]["StringEquals"]["aws:RequestedRegion"]) == (models[1], "unspecified")


@everywhere
@pytest.mark.parametrize("kind", ["provisioned-model", "custom-model-deployment", "imported-model"])
def test_what_an_account_made_takes_its_own_arn(kind, partition, region, other):
    arn = f"arn:{partition}:bedrock:{region}:{ACCOUNT}:{kind}/a1b2c3d4e5f6"
    assert statements(iam.invoke_model(arn)) == [{"Sid": "InvokeModel", "Effect": "Allow", "Action": BOTH, "Resource": arn}]


def test_families_have_a_wildcard_in_resources_and_conditions():
    (model,) = statements(iam.invoke_model("anthropic.claude-*", region_name="eu-west-1"))
    assert model["Resource"] == "arn:aws:bedrock:eu-west-1::foundation-model/anthropic.claude-*"
    where = {"region_name": "eu-west-1", "account_id": ACCOUNT}
    profile, models = statements(iam.invoke_model("eu.anthropic.*", destinations=["eu-west-3"], **where))
    name = f"arn:aws:bedrock:eu-west-1:{ACCOUNT}:inference-profile/eu.anthropic.*"
    assert profile["Resource"] == name
    assert models["Resource"] == [
        f"arn:aws:bedrock:{region}::foundation-model/anthropic.*" for region in ("eu-west-1", "eu-west-3")
    ]
    assert models["Condition"] == {"StringLike": {"bedrock:InferenceProfileArn": name}}
    *_, anywhere = statements(iam.invoke_model("global.anthropic.claude-*", **where))
    assert anywhere["Condition"]["StringEquals"] == {"aws:RequestedRegion": "unspecified"}
    assert set(anywhere["Condition"]) == {"StringEquals", "StringLike"}


def test_destinations_and_account_of_a_profile_are_read_from_aws():
    with LocalBedrock() as bedrock:
        bedrock.inference_profiles = [inference_profile("us.amazon.nova-lite-v1:0", regions=("us-east-1", "us-east-2"))]
        session = create_session(FromCallable(lambda: bedrock.credentials, name="test"), region_name="us-east-1")
        client = session.client("bedrock", endpoint_url=bedrock.endpoint_url)
        read = iam.invoke_model(ModelRef.parse("us.amazon.nova-lite-v1:0"), region_name="us-east-1", client=client)
        given = iam.invoke_model(
            "us.amazon.nova-lite-v1:0", region_name="us-east-1", account_id=ACCOUNT, destinations=["us-east-1", "us-east-2"]
        )
        assert read == given
        assert [request.operation for request in bedrock.requests] == ["GetInferenceProfile"]
        iam.invoke_model("amazon.nova-lite-v1:0", region_name="us-east-1", client=client)
        with pytest.raises(ConfigurationError, match="give destinations"):
            iam.invoke_model("us.amazon.*", region_name="us-east-1", account_id=ACCOUNT, client=client)
        assert len(bedrock.requests) == 1


ARN = f"arn:aws:bedrock:us-east-1:{ACCOUNT}"
HERE = {"region_name": "us-east-1", "account_id": ACCOUNT}


@pytest.mark.parametrize(
    ("model_id", "settings", "words"),
    [
        ("amazon.nova-lite-v1:0", {}, "region_name is needed"),
        ("amazon.nova-lite-v1:0", {"region_name": "us-est-1"}, "'us-est-1' is no AWS region"),
        ("amazon.nova-lite-v1:0", {**HERE, "destinations": ["us-east-1"]}, "destinations are for inference profiles"),
        ("us.amazon.nova-lite-v1:0", {"region_name": "us-east-1", "destinations": ["us-east-1"]}, "account_id is needed"),
        ("us.amazon.nova-lite-v1:0", {**HERE, "account_id": "12"}, "twelve digits"),
        ("us.amazon.nova-lite-v1:0", HERE, "give destinations"),
        ("us.amazon.nova-lite-v1:0", {**HERE, "destinations": ["us-gov-west-1"]}, "in partition aws, not 'us-gov-west-1'"),
        ("us.amazon.nova-lite-v1:0", {**HERE, "destinations": [f"{ARN}:guardrail/a"]}, "regions or ARNs of foundation models"),
        (f"{ARN}:application-inference-profile/a1", {"destinations": ["us-east-1"]}, "only AWS can tell which model"),
        (f"{ARN}:application-inference-profile/a1", {"region_name": "us-west-2"}, "region_name is us-west-2, and the ARN"),
        (f"{ARN}:application-inference-profile/a1", {"account_id": "0" * 12}, "account_id is 000000000000, and the ARN"),
        ("arn:aws-cn:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0", {}, "of partition aws-cn, and us-east-1 of aws"),
        (f"{ARN}:custom-model/amazon.nova-lite-v1/a1b2c3d4e5f6", {}, "its deployment or of its provisioned"),
        (f"{ARN}:prompt/ABCDE12345", {}, "bedrock:RenderPrompt"),
        (f"{ARN}:prompt-router/x", {}, "routes to several models"),
        ("a1b2c3d4e5f6", HERE, "give its ARN"),
        ("anthropic.*-sonnet", HERE, "one \\*, at its end"),
        ("us.*", HERE, "as us.PROVIDER"),
        ("global.anthropic*", HERE, "as global.PROVIDER"),
        ("arn:aws:bedrock:us-east-1::foundation-model/us.amazon.nova-lite-v1:0", {}, "is no foundation model"),
        ("not an id", HERE, "neither the id nor the ARN"),
        ("amazon.nova-lite-v1:0", {**HERE, "guardrail": "A B"}, "guardrail 'A B' is none"),
        ("amazon.nova-lite-v1:0", {**HERE, "guardrail": f"{ARN}:agent/a"}, "guardrail is the ARN of bedrock"),
    ],
)
def test_what_does_not_fit_together_is_refused_by_name(model_id, settings, words):
    with pytest.raises(ConfigurationError, match=words):
        iam.invoke_model(model_id, **settings)


@pytest.mark.parametrize(
    ("guardrail", "condition"),
    [
        ("gr1:3", {"StringEquals": {"bedrock:GuardrailIdentifier": f"{ARN}:guardrail/gr1:3"}}),
        ("gr1:DRAFT", {"StringEquals": {"bedrock:GuardrailIdentifier": f"{ARN}:guardrail/gr1"}}),
        ("gr1", {"StringLike": {"bedrock:GuardrailIdentifier": [f"{ARN}:guardrail/gr1", f"{ARN}:guardrail/gr1:*"]}}),
        (f"{ARN}:guardrail/gr1:3", {"StringEquals": {"bedrock:GuardrailIdentifier": f"{ARN}:guardrail/gr1:3"}}),
    ],
)
def test_a_model_can_be_allowed_with_a_guardrail_only(guardrail, condition):
    model, applied = statements(iam.invoke_model("amazon.nova-lite-v1:0", guardrail=guardrail, **HERE))
    assert model["Condition"] == condition
    applying = {
        "Sid": "ApplyGuardrail",
        "Effect": "Allow",
        "Action": "bedrock:ApplyGuardrail",
        "Resource": f"{ARN}:guardrail/gr1",
    }
    assert applied == applying
    assert statements(iam.apply_guardrail(guardrail, **HERE)) == [applying]


def test_a_guardrail_can_be_required_whatever_else_is_allowed():
    assert statements(iam.require_guardrail("gr1:3", **HERE)) == [
        {
            "Sid": "RequireGuardrail",
            "Effect": "Deny",
            "Action": BOTH,
            "Resource": "*",
            "Condition": {"StringNotEquals": {"bedrock:GuardrailIdentifier": f"{ARN}:guardrail/gr1:3"}},
        }
    ]


def allowed(sid, action, resource="*", **condition):
    return {"Sid": sid, "Effect": "Allow", "Action": action, "Resource": resource, **condition}


@everywhere
def test_agents_and_knowledge_bases_take_the_alias_and_the_base(partition, region, other):
    here = {"region_name": region, "account_id": ACCOUNT}
    arn = f"arn:{partition}:bedrock:{region}:{ACCOUNT}"
    alias, base = f"{arn}:agent-alias/AGENT12345/ALIAS12345", f"{arn}:knowledge-base/KB12345678"
    assert statements(iam.invoke_agent("AGENT12345", "ALIAS12345", **here)) == [
        allowed("InvokeAgent", "bedrock:InvokeAgent", alias)
    ]
    assert statements(iam.retrieve("KB12345678", **here)) == [allowed("Retrieve", "bedrock:Retrieve", base)]


def test_calls_without_resources_take_a_star_and_what_they_call():
    nova = "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0"
    reranker = "arn:aws:bedrock:us-east-1::foundation-model/amazon.rerank-v1:0"
    model = allowed("InvokeModel", BOTH, nova)
    assert statements(iam.list_models()) == [
        allowed("ListModels", ["bedrock:ListFoundationModels", "bedrock:ListInferenceProfiles"])
    ]
    assert statements(iam.count_tokens("amazon.nova-lite-v1:0", region_name="us-east-1")) == [
        allowed("CountTokens", "bedrock:CountTokens", nova)
    ]
    assert statements(iam.rerank("amazon.rerank-v1:0", region_name="us-east-1")) == [
        allowed("Rerank", "bedrock:Rerank"), allowed("InvokeModel", "bedrock:InvokeModel", reranker)
    ]  # fmt: skip
    assert statements(iam.invoke_inline_agent("amazon.nova-lite-v1:0", agent_name="helper", **HERE)) == [
        allowed(
            "InvokeInlineAgent", "bedrock:InvokeInlineAgent", Condition={"StringEquals": {"bedrock:InlineAgentName": "helper"}}
        ),
        model,
    ]
    assert statements(iam.retrieve_and_generate("KB12345678", "amazon.nova-lite-v1:0", **HERE)) == [
        allowed("RetrieveAndGenerate", "bedrock:RetrieveAndGenerate"),
        allowed("Retrieve", "bedrock:Retrieve", f"{ARN}:knowledge-base/KB12345678"),
        model,
    ]
    *_, looked_up = statements(iam.retrieve_and_generate("KB1", "us.amazon.nova-lite-v1:0", destinations=["us-west-2"], **HERE))
    assert looked_up == allowed(
        "GetInferenceProfile", "bedrock:GetInferenceProfile", f"{ARN}:inference-profile/us.amazon.nova-lite-v1:0"
    )


def test_api_keys_are_allowed_by_kind():
    assert statements(iam.call_with_bearer_token()) == [
        allowed(
            "CallWithBearerToken",
            "bedrock:CallWithBearerToken",
            Condition={"StringEquals": {"bedrock:BearerTokenType": "SHORT_TERM"}},
        )
    ]


@everywhere
def test_a_function_url_takes_both_statements(partition, region, other):
    arn = f"arn:{partition}:lambda:{region}:{ACCOUNT}:function:answer"
    both = [
        allowed(
            "InvokeFunctionUrl",
            "lambda:InvokeFunctionUrl",
            arn,
            Condition={"StringEquals": {"lambda:FunctionUrlAuthType": "AWS_IAM"}},
        ),
        allowed(
            "InvokeFunctionByUrl", "lambda:InvokeFunction", arn, Condition={"Bool": {"lambda:InvokedViaFunctionUrl": "true"}}
        ),
    ]
    assert statements(iam.invoke_function_url(arn)) == both
    who = f"arn:{partition}:iam::{ACCOUNT}:role/Caller"
    assert statements(iam.invoke_function_url(arn, principals=who)) == [{**each, "Principal": {"AWS": who}} for each in both]


@everywhere
def test_assuming_a_role_takes_its_arn(partition, region, other):
    arn = f"arn:{partition}:iam::{ACCOUNT}:role/team/Bedrock"
    assert statements(iam.assume_role(arn)) == [allowed("AssumeRole", "sts:AssumeRole", arn)]
    assert statements(iam.assume_role([arn, f"{arn}2"], tags=True)) == [
        allowed("AssumeRole", ["sts:AssumeRole", "sts:TagSession"], [arn, f"{arn}2"])
    ]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: iam.invoke_agent("AGENT-1", "ALIAS", **HERE), "agent_id 'AGENT-1'"),
        (lambda: iam.invoke_agent("AGENT", "", **HERE), "agent_alias_id ''"),
        (lambda: iam.retrieve("*", **HERE), "knowledge_base_id"),
        (lambda: iam.count_tokens(f"{ARN}:provisioned-model/a1", region_name="us-east-1"), "takes a foundation model"),
        (lambda: iam.call_with_bearer_token("EVER"), "SHORT_TERM or LONG_TERM"),
        (lambda: iam.assume_role("arn:aws:iam::1:user/x"), "role_arn"),
        (lambda: iam.assume_role("Bedrock"), "role_arn"),
        (lambda: iam.invoke_function_url(f"{ARN}:function:x"), "function_arn"),
    ],
)
def test_what_is_none_is_refused_by_name(make, words):
    with pytest.raises(ConfigurationError, match=words):
        make()
