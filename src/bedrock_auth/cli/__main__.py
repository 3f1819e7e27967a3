"""``python -m bedrock_auth.cli`` is ``bedrock-auth``."""

from bedrock_auth.cli import main

raise SystemExit(main())
