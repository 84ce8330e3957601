"""Write a batch's requests and output as vLLM does, of made-up responses: no model is run."""

import asyncio
import json
from pathlib import Path

from vllm.entrypoints.launchers.run_batch import (
    BatchRequestInput,
    BatchRequestOutput,
    BatchResponseData,
    make_error_request_output,
    write_local_file,
)
from vllm.entrypoints.openai.chat_completion.protocol import ChatCompletionResponse

SAMPLES = {"What is 2 + 2?": ["It is 4.", "It is 5."], "What is 3 * 3?": ["It is 9.", None]}


def request(number: int, question: str) -> dict:
    messages = [{"role": "user", "content": question}]
    body = {"model": "org/m", "messages": messages, "temperature": 0.7, "seed": number}
    return {
        "custom_id": f"request-{number}",
        "method": "POST",
        "url": "/v1/chat/completions",
        "body": body,
    }


def answered(asked: BatchRequestInput, text: str) -> BatchRequestOutput:
    tokens = [{"token": word, "logprob": -0.5, "top_logprobs": []} for word in text.split()]
    message = {"role": "assistant", "content": text}
    choice = {
        "index": 0, "message": message, "finish_reason": "stop", "logprobs": {"content": tokens}
    }  # fmt: skip
    usage = {"prompt_tokens": 9, "completion_tokens": len(tokens), "total_tokens": 9 + len(tokens)}
    body = ChatCompletionResponse(
        id="chatcmpl-0", created=0, model="org/m", choices=[choice], usage=usage
    )
    response = BatchResponseData(request_id="vllm-batch-0", body=body)
    return BatchRequestOutput(id="vllm-0", custom_id=asked.custom_id, response=response, error=None)


def main() -> None:
    pairs = [(question, text) for question, texts in SAMPLES.items() for text in texts]
    lines = [request(number, question) for number, (question, _) in enumerate(pairs)]
    Path("requests.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    outputs = []
    for line, (_, text) in zip(lines, pairs, strict=True):
        asked = BatchRequestInput.model_validate(line)
        failed = make_error_request_output(asked, "Request must not be sent in stream mode")
        outputs.append(failed if text is None else answered(asked, text))
    asyncio.run(write_local_file("results.jsonl", outputs))


if __name__ == "__main__":
    main()
