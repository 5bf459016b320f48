"""Collectibles on a chain (EVM): an ERC-721 contract, who mints from it, and who watches it. Needs the extra `chain`.

Nothing here imports web3 until a supplier of the kind `erc721` is set up: other goods never touch a chain.
"""
