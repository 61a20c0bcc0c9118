"""Count what this project, segmentation_models_pytorch and MONAI offer, by running it, and write README.md anew.

    python -m benchmarks.peers                # an hour or two; goes on where it was stopped
    python -m benchmarks.peers --sample 20    # a quick look at the encoders; prints, keeps nothing

What results/peers.json has is not tried again: without that file all of it is.
"""

import argparse
import json
import logging
import os
import warnings


def main() -> None:
    """Count, then write README.md."""
    os.environ["UNETZOO_PLUGINS"] = ""  # what is built in, whatever is installed
    from benchmarks.page.readme import RESULTS, write_pages
    from benchmarks.peers.store import Count

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sample", type=int, metavar="N", help="try that many encoders of timm and nothing else")
    sample = parser.parse_args().sample
    warnings.simplefilter("ignore")  # of the peers
    logging.disable(logging.WARNING)
    count = Count(RESULTS / "peers.json" if sample is None else None)
    if sample is not None:
        count.timm(sample, lambda: print(".", end="", flush=True))
        print("\n" + json.dumps(count.data, indent=1))
        return
    count.machine()
    count.losses()
    count.architectures(lambda: print("architecture", flush=True))
    count.timm(on_name=lambda: print(".", end="", flush=True))
    count.other_encoders()
    write_pages()


if __name__ == "__main__":
    main()
