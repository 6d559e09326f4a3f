"""Model files: what ships inside the package (`embedded/`), the catalogue and the store.

`embedded/breeze-tiny-q8_0.gguf` is a demo language model of the project's own making. Its card,
`embedded/breeze-tiny.json`, gives name, size, SHA-256, licence and what was measured; how it is
made and what it can do is in `docs/embedded-model.md`.

    async with ModelStore(home.models, settings=StoreSettings.from_environ(os.environ)) as store:
        async for event in store.pull("hf:org/name"):  # Pulling…, at last Installed
            ...
"""

from __future__ import annotations

from breeze.models.catalogue import Catalogue as Catalogue
from breeze.models.catalogue import decode_definitions as decode_definitions
from breeze.models.headers import check_header as check_header
from breeze.models.order import Collected as Collected
from breeze.models.order import Verified as Verified
from breeze.models.publish import publish as publish
from breeze.models.publish import staging as staging
from breeze.models.pulling import Pulling as Pulling
from breeze.models.reference import Reference as Reference
from breeze.models.reference import read_reference as read_reference
from breeze.models.settings import StoreSettings as StoreSettings
from breeze.models.settings import Token as Token
from breeze.models.store import ModelStore as ModelStore
