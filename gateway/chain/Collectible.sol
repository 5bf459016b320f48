// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

interface IERC721Receiver {
    function onERC721Received(address operator, address from, uint256 tokenId, bytes calldata data)
        external
        returns (bytes4);
}

/// @title Collectibles that a VGCP gateway mints when they have been bought (ERC-721, with ERC-721 Metadata).
/// @notice Every mint names a request. The contract mints for one request once, and only until the request's deadline,
/// so whoever asks again can do no harm, and what was given up after the deadline is never minted.
contract Collectible {
    struct Mint {
        uint256 tokenId; // from 1; 0: not minted
        uint256 blockNumber; // where the event Minted is
    }

    event Transfer(address indexed from, address indexed to, uint256 indexed tokenId);
    event Approval(address indexed owner, address indexed approved, uint256 indexed tokenId);
    event ApprovalForAll(address indexed owner, address indexed operator, bool approved);
    event Minted(bytes32 indexed request, uint256 indexed tokenId, address indexed to);
    event MinterChanged(address indexed from, address indexed to);

    error NotTheMinter(address caller);
    error MintedBefore(bytes32 request, uint256 tokenId);
    error TooLate(uint256 deadline);
    error NoSuchToken(uint256 tokenId);
    error NotTheOwner(address claimed, uint256 tokenId);
    error NotAllowed(address caller, uint256 tokenId);
    error NoReceiver(address to);

    string public name;
    string public symbol;
    string public baseURI;
    address public minter;
    uint256 public totalSupply;
    mapping(bytes32 => Mint) public mintOf;
    mapping(address => mapping(address => bool)) public isApprovedForAll;
    mapping(uint256 => address) private owners;
    mapping(uint256 => address) private approvals;
    mapping(address => uint256) private balances;

    constructor(string memory name_, string memory symbol_, string memory baseURI_) {
        name = name_;
        symbol = symbol_;
        baseURI = baseURI_;
        minter = msg.sender;
        emit MinterChanged(address(0), msg.sender);
    }

    /// @notice Mint the token of a request. Reverts when there is one already, or after the deadline (seconds since 1970).
    function mint(bytes32 request, address to, uint256 deadline) external returns (uint256 tokenId) {
        if (msg.sender != minter) revert NotTheMinter(msg.sender);
        if (mintOf[request].tokenId != 0) revert MintedBefore(request, mintOf[request].tokenId);
        if (block.timestamp > deadline) revert TooLate(deadline);
        if (to == address(0)) revert NoReceiver(to);
        tokenId = ++totalSupply;
        mintOf[request] = Mint(tokenId, block.number);
        owners[tokenId] = to;
        balances[to] += 1;
        emit Transfer(address(0), to, tokenId);
        emit Minted(request, tokenId, to);
    }

    /// @notice Hand the right to mint to another key.
    function changeMinter(address to) external {
        if (msg.sender != minter) revert NotTheMinter(msg.sender);
        emit MinterChanged(minter, to);
        minter = to;
    }

    function balanceOf(address owner) external view returns (uint256) {
        if (owner == address(0)) revert NoReceiver(owner);
        return balances[owner];
    }

    function ownerOf(uint256 tokenId) public view returns (address owner) {
        owner = owners[tokenId];
        if (owner == address(0)) revert NoSuchToken(tokenId);
    }

    function approve(address approved, uint256 tokenId) external {
        address owner = ownerOf(tokenId);
        if (msg.sender != owner && !isApprovedForAll[owner][msg.sender]) revert NotAllowed(msg.sender, tokenId);
        approvals[tokenId] = approved;
        emit Approval(owner, approved, tokenId);
    }

    function getApproved(uint256 tokenId) external view returns (address) {
        ownerOf(tokenId);
        return approvals[tokenId];
    }

    function setApprovalForAll(address operator, bool approved) external {
        isApprovedForAll[msg.sender][operator] = approved;
        emit ApprovalForAll(msg.sender, operator, approved);
    }

    function transferFrom(address from, address to, uint256 tokenId) public {
        address owner = ownerOf(tokenId);
        if (owner != from) revert NotTheOwner(from, tokenId);
        if (msg.sender != owner && !isApprovedForAll[owner][msg.sender] && approvals[tokenId] != msg.sender) {
            revert NotAllowed(msg.sender, tokenId);
        }
        if (to == address(0)) revert NoReceiver(to);
        delete approvals[tokenId];
        balances[from] -= 1;
        balances[to] += 1;
        owners[tokenId] = to;
        emit Transfer(from, to, tokenId);
    }

    function safeTransferFrom(address from, address to, uint256 tokenId) external {
        safeTransferFrom(from, to, tokenId, "");
    }

    function safeTransferFrom(address from, address to, uint256 tokenId, bytes memory data) public {
        transferFrom(from, to, tokenId);
        if (to.code.length == 0) return;
        bytes4 answer = IERC721Receiver(to).onERC721Received(msg.sender, from, tokenId, data);
        if (answer != IERC721Receiver.onERC721Received.selector) revert NoReceiver(to);
    }

    function tokenURI(uint256 tokenId) external view returns (string memory) {
        ownerOf(tokenId);
        return bytes(baseURI).length == 0 ? "" : string.concat(baseURI, decimal(tokenId));
    }

    function supportsInterface(bytes4 id) external pure returns (bool) {
        // ERC-165, ERC-721, ERC-721 Metadata
        return id == 0x01ffc9a7 || id == 0x80ac58cd || id == 0x5b5e139f;
    }

    function decimal(uint256 value) private pure returns (string memory) {
        if (value == 0) return "0";
        uint256 digits;
        for (uint256 rest = value; rest != 0; rest /= 10) digits++;
        bytes memory text = new bytes(digits);
        for (; value != 0; value /= 10) text[--digits] = bytes1(uint8(48 + (value % 10)));
        return string(text);
    }
}
