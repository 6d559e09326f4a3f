"""What Runware's own client is told to do: `python runware_wire.py URL`, one call after another."""

import asyncio
import sys

from runware import Runware

IMAGE = "data:image/png;base64,iVBORw0KGgo="
CALLS = (
    {"taskType": "imageInference", "model": "runware:100@1", "positivePrompt": "a lighthouse",
     "width": 512, "height": 512, "steps": 20, "CFGScale": 7.0, "numberResults": 1,
     "outputType": "URL", "outputFormat": "PNG", "includeCost": True},
    {"taskType": "imageInference", "model": "civitai:4384@128713", "positivePrompt": "a sea",
     "negativePrompt": "people", "width": 256, "height": 128, "steps": 4, "CFGScale": 2.5,
     "seed": 3, "scheduler": "Euler", "numberResults": 2, "outputType": "URL",
     "outputFormat": "WEBP", "outputQuality": 80, "includeCost": True,
     "deliveryMethod": "sync"},
    {"taskType": "upscale", "model": "runware:501@1", "inputs": {"image": IMAGE},
     "upscaleFactor": 2, "outputType": "URL", "outputFormat": "PNG", "includeCost": True},
    {"taskType": "removeBackground", "model": "runware:109@1", "inputs": {"image": IMAGE},
     "outputType": "URL", "outputFormat": "PNG", "includeCost": True},
    {"taskType": "caption", "model": "runware:152@1", "inputs": {"image": IMAGE},
     "prompt": "What is it?", "includeCost": True},
)  # fmt: skip


async def main(url: str) -> None:
    async with Runware(api_key="test-key", transport="rest", http_base_url=url) as client:
        for call in CALLS:
            results = await client.run(dict(call))
            assert results, call


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
