"""Rules about statements that need each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bedrock_auth.iam.glob import matches

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bedrock_auth.iam.document import Document, Text, View
    from bedrock_auth.iam.findings import Finding

_URL, _FUNCTION = "lambda:invokefunctionurl", "lambda:invokefunction"
_MODEL, _STREAM = "bedrock:invokemodel", "bedrock:invokemodelwithresponsestream"


def of_document(document: Document) -> Iterator[Finding]:
    """What is missing beside what is there."""
    yield from _streaming(document)
    yield from _function_urls(document)


def allowing(document: Document, action: str) -> list[tuple[View, Text]]:
    """The statements that allow an action, in lower case, and where each does: by naming it, or by not leaving it out."""
    views = [view for view in document.views if view.allows]
    named = [(view, each) for view in views for each in view.actions if matches(each.value.lower(), action)]
    left = [(view, view.not_actions[0]) for view in views if view.not_actions]
    return named + [
        (view, each) for view, each in left if not any(matches(one.value.lower(), action) for one in view.not_actions)
    ]


def _streaming(document: Document) -> Iterator[Finding]:
    plain = allowing(document, _MODEL)
    if plain and not allowing(document, _STREAM):
        view, action = plain[0]
        what, why = "answers cannot be streamed", "ConverseStream takes bedrock:InvokeModelWithResponseStream"
        yield view.find("note", "no-streaming", action.path, what, why, "add it, unless nothing is streamed")


def _function_urls(document: Document) -> Iterator[Finding]:
    urls = [(view, action) for view, action in allowing(document, _URL) if action.value.lower() == _URL]
    functions = allowing(document, _FUNCTION)
    through_url = [pair for pair in functions if _has_key(pair[0], "lambda:invokedviafunctionurl")]
    if urls and not functions:
        view, action = urls[0]
        what, why = "only one half of what a function URL takes", "URLs made since October 2025 take lambda:InvokeFunction too"
        fix = "add lambda:InvokeFunction with Bool lambda:InvokedViaFunctionUrl true"
        yield view.find("error", "function-url", action.path, what, why, fix)
    if through_url and not allowing(document, _URL):
        view, action = through_url[0]
        what, why = "only one half of what a function URL takes", "its URL takes lambda:InvokeFunctionUrl too"
        fix = "add lambda:InvokeFunctionUrl with StringEquals lambda:FunctionUrlAuthType AWS_IAM"
        yield view.find("error", "function-url", action.path, what, why, fix)
    if urls and functions and not through_url:
        view, action = functions[0]
        what, why = "the function can be called without its URL", "lambda:InvokeFunction allows that too"
        fix = "add the condition Bool lambda:InvokedViaFunctionUrl true"
        yield view.find("warning", "function-url", action.path, what, why, fix)


def _has_key(view: View, key: str) -> bool:
    return any(condition.key.lower() == key for condition in view.conditions)
