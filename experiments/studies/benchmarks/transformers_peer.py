"""Times transformers' `generate` on request; runs in an environment with transformers.

Arguments: layers, width, heads, vocabulary, threads. For each line `ROWS LENGTH` on standard input
it prints the seconds that one `generate` took. It imports nothing of nextchar.
"""

import sys
import time

import torch
import transformers


def main() -> None:
    layers, width, heads, vocabulary, threads = map(int, sys.argv[1:])
    torch.set_num_threads(threads)
    config = transformers.GPT2Config(
        n_layer=layers,
        n_embd=width,
        n_head=heads,
        vocab_size=vocabulary,
        n_positions=1024,
        bos_token_id=None,
        eos_token_id=None,
    )
    model = transformers.GPT2LMHeadModel(config).eval()
    print(f"transformers {transformers.__version__}, torch {torch.__version__}", flush=True)
    for line in sys.stdin:
        rows, length = map(int, line.split())
        prompts = torch.randint(vocabulary, (rows, 1))
        clock = time.perf_counter()
        with torch.no_grad():
            written = model.generate(
                prompts,
                attention_mask=torch.ones_like(prompts),
                do_sample=True,
                top_k=5,
                max_new_tokens=length,
                pad_token_id=0,
            )
        assert written.shape == (rows, length + 1)
        print(time.perf_counter() - clock, flush=True)


if __name__ == "__main__":
    main()
