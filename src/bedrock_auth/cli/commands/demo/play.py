"""``bedrock-auth demo``: play the scenes, and draw what they say; one table at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bedrock_auth.cli.commands.demo import scenes
from bedrock_auth.cli.commands.demo.scenes import Seen, told
from bedrock_auth.cli.commands.demo.stage import live_stage, local_stage

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator

    from bedrock_auth.cli.commands.demo.stage import Stage

    Scene = Callable[[Stage, Callable[[str], None]], Iterator[Seen]]

SCENES: tuple[tuple[str, Scene], ...] = (
    ("Each source of credentials, and who signs with it", scenes.sources),
    ("Streams that break", scenes.broken_streams),
    ("Keys that expire, and a source that dies", scenes.renewal),
)


def play(options: argparse.Namespace) -> int:
    """Play all scenes; 0 where everything was as it should be, else 1."""
    console = Console(highlight=False, soft_wrap=True)
    stage = live_stage(options.region, options.model_id, options.role_arn) if options.live else local_stage()
    where = "your AWS account" if options.live else "AWS stand-ins in this process, no AWS account"
    console.print(f"[bold]bedrock_auth at work[/bold], with {where}.")
    if not options.live:
        console.print("Keys, a profile and a bearer token of somebody else lie in the environment all the while.")
    try:
        with stage as played:
            seen = [line for title, scene in SCENES for line in _play(title, scene, played, console)]
    except Exception as error:  # noqa: BLE001 - a stage that cannot be set up is a failure like any other
        seen = [Seen("setting the stage", told(error), passed=False)]
    _table(seen, console)
    return 0 if seen and all(line.passed for line in seen) else 1


def _play(title: str, scene: Scene, stage: Stage, console: Console) -> list[Seen]:
    console.print(f"\n[bold blue]{title}[/bold blue]", end="")
    seen: list[Seen] = []
    try:
        seen.extend(scene(stage, lambda text: console.print(text, end="")))
    except Exception as error:  # noqa: BLE001 - the other scenes are played all the same
        seen.append(Seen(title, told(error), passed=False))
    console.print()
    return seen


def _table(seen: list[Seen], console: Console) -> None:
    table = Table(title="What you have seen", title_justify="left", title_style="bold", show_lines=False)
    table.add_column("")
    table.add_column("What", style="bold", no_wrap=True)
    table.add_column("How it went", overflow="fold")
    for line in seen:
        table.add_row("[green]✓[/green]" if line.passed else "[red]✗[/red]", escape(line.what), escape(line.how))
    console.print()
    console.print(table)
    failed = sum(not line.passed for line in seen)
    console.print("[green]Everything was as it should be.[/green]" if not failed else f"[red]{failed} went wrong.[/red]")
