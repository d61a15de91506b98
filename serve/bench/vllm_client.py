"""Runs vLLM's own benchmark (`vllm bench serve`) against plume's routes, in a process of its own.

    python -m serve.bench.vllm_client VLLM_ARGUMENTS…        OPENAI_API_KEY holds the key

Two ways to ask are added to vLLM's: `plume-on` sends a request to the guard and gets a draft whole, `plume-off` sends
token ids to the engine, by vLLM's own function for completions. The prompt of a row is what is sent, as JSON.
"""

import json
import os
import time
from dataclasses import replace
from typing import Any


async def ask_guard(request_func_input: Any, session: Any, pbar: Any = None) -> Any:
    """Ask for a draft. The first word comes with the last one, so the time to both is the same."""
    from vllm.benchmarks.lib.endpoint_request_func import RequestFuncOutput

    asked = request_func_input  # vLLM gives it by this name
    done = RequestFuncOutput(prompt_len=asked.prompt_len)
    done.start_time = begun = time.perf_counter()
    headers = {"Authorization": f"Bearer {os.environ['OPENAI_API_KEY']}"}
    try:
        async with session.post(asked.api_url, json=json.loads(asked.prompt), headers=headers) as response:
            answer = await response.json()
            if response.status == 200:
                done.latency = done.ttft = time.perf_counter() - begun
                done.output_tokens = answer["usage"]["completion_tokens"]
                done.prompt_len = answer["usage"]["prompt_tokens"]
                done.success = True
            else:
                done.error = str(response.status)
    except Exception as error:  # counted as failed, by its type alone
        done.error = type(error).__name__
    if pbar:
        pbar.update(1)
    return done


async def ask_engine(request_func_input: Any, session: Any, pbar: Any = None) -> Any:
    """Ask for a completion of token ids."""
    from vllm.benchmarks.lib.endpoint_request_func import async_request_openai_completions

    asked = replace(request_func_input, prompt=json.loads(request_func_input.prompt))
    return await async_request_openai_completions(asked, session, pbar)


def main() -> None:
    from vllm.benchmarks import serve
    from vllm.benchmarks.lib.endpoint_request_func import ASYNC_REQUEST_FUNCS
    from vllm.utils.argparse_utils import FlexibleArgumentParser

    ASYNC_REQUEST_FUNCS.update({"plume-on": ask_guard, "plume-off": ask_engine})
    parser = FlexibleArgumentParser()
    serve.add_cli_args(parser)
    serve.main(parser.parse_args())


if __name__ == "__main__":
    main()
