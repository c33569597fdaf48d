"""Tokens in both orders: the delay pattern with its cache, and filling in passes."""

from __future__ import annotations

import pytest
import torch

from bridge.engine import beat_clock
from bridge.engine.audiolm.choosing import Sampling, drawn
from bridge.engine.audiolm.delay import delayed, go_on, undelayed
from bridge.engine.audiolm.hierarchy import CENTRES, Alphabet, Hierarchy
from bridge.engine.audiolm.masked import fill, passes_of
from bridge.engine.audiolm.network import Cache, NetworkConfig, TokenNetwork
from bridge.engine.audiolm.uses import kept_tokens
from tests.engine.audiolm import small_model

FRAMES, BOOKS = 12, 4
WORDS = torch.tensor([[1.0, 0, 0, 1.0]])


def tokens(batch: int = 1) -> torch.Tensor:
    return torch.randint(0, small_model.CODES, (batch, FRAMES, BOOKS), generator=torch.Generator().manual_seed(1))


def clock(frames: int, batch: int = 1) -> torch.Tensor:
    return beat_clock.rows_of(frames, 0.0232, 0.02, 120.0, False).expand(batch, -1, -1)


def generators(*seeds: int) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(seed) for seed in seeds]


def test_the_delay_pattern_gives_the_tokens_back() -> None:
    assert torch.equal(undelayed(delayed(tokens(), 99)), tokens())


def test_a_causal_network_sees_nothing_that_comes_later() -> None:
    network, later = small_model.network(True), tokens().clone()
    later[:, 8:] = 3
    scores, changed = (network(part, WORDS, clock(FRAMES)) for part in (tokens(), later))
    assert torch.equal(scores[:, :9], changed[:, :9]) and not torch.equal(scores[:, 9:], changed[:, 9:])


def test_frame_by_frame_with_a_cache_is_the_same_as_all_at_once() -> None:
    network = small_model.network(True)
    at_once = network(tokens(), WORDS, clock(FRAMES))
    asked, when = network.asked(WORDS), network.clock(clock(FRAMES).transpose(1, 2))
    cache, first = Cache(1, FRAMES, network.config), network.begin.expand(1, 1, -1) + network.asked(WORDS)
    entered = torch.cat([first, network.embedded(tokens()[:, :-1]) + asked], 1) + when
    alone = torch.cat([network.scores(entered[:, at : at + 1], cache) for at in range(FRAMES)], 1)
    assert torch.allclose(alone, at_once, atol=1e-4)


def test_a_prime_stays_as_it_is_and_what_follows_is_new() -> None:
    network, sampling = small_model.network(True), Sampling()
    ways = [
        go_on(network, WORDS, clock(FRAMES + 3), FRAMES, generators(s), sampling, tokens()[:, :5]) for s in (1, 1, 2)
    ]
    assert all(torch.equal(made[:, :5], tokens()[:, :5]) for made in ways)
    assert torch.equal(ways[0], ways[1]) and not torch.equal(ways[0], ways[2])
    assert all(int(made.min()) >= 0 and int(made.max()) < small_model.CODES for made in ways)


@pytest.mark.parametrize("guidance", [1.0, 2.0])
def test_a_take_is_the_same_alone_and_in_a_batch(guidance: float) -> None:
    sampling = Sampling(guidance)
    causal, masked = small_model.network(True), small_model.network(False)
    hidden = torch.zeros(2, FRAMES, BOOKS, dtype=torch.bool)
    both = go_on(causal, WORDS.expand(2, -1), clock(FRAMES + 3, 2), FRAMES, generators(1, 2), sampling)
    alone = go_on(causal, WORDS, clock(FRAMES + 3), FRAMES, generators(2), sampling)
    assert torch.equal(both[1:], alone)
    both = fill(masked, WORDS.expand(2, -1), clock(FRAMES, 2), tokens(2), hidden, generators(1, 2), sampling)
    alone = fill(masked, WORDS, clock(FRAMES), tokens(2)[1:], hidden[1:], generators(2), sampling)
    assert torch.equal(both[1:], alone)


def test_filling_keeps_what_is_kept_and_leaves_nothing_hidden() -> None:
    network, keep = small_model.network(False), torch.rand(1, FRAMES, BOOKS) < 0.5
    passes: list[tuple[int, int]] = []
    sampling = Sampling()
    made = fill(
        network, WORDS, clock(FRAMES), tokens(), keep, generators(3), sampling, 12, lambda *at: passes.append(at)
    )
    assert torch.equal(made[keep], tokens()[keep]) and int(made.max()) < small_model.CODES
    assert passes == [(number, 12) for number in range(1, 13)]


@pytest.mark.parametrize("books", [1, 2, 4, 8])
def test_every_book_has_a_pass(books: int) -> None:
    plan = passes_of(books, 12)
    assert len(plan) == books and min(plan) >= 1


def test_of_a_stronger_variation_less_is_kept() -> None:
    kept = [
        int(kept_tokens(60, BOOKS, strength).sum()) for strength in (0, 0.1, 0.2, 0.3, 0.5, 0.65, 0.75, 0.85, 0.95, 1)
    ]
    assert kept[0] == 240 and kept[-1] == 0 and kept == sorted(kept, reverse=True)


def test_only_the_likeliest_are_drawn_each_as_often_as_it_is_likely() -> None:
    scores = torch.log(torch.tensor([0.5, 0.3, 0.15, 0.05])).expand(1, 4_000, 4)
    counts = torch.bincount(drawn(scores, generators(1), Sampling(1.0, 1.0, 2))[0], minlength=4) / 4_000
    assert counts[2:].sum() == 0 and abs(float(counts[0]) - 0.625) < 0.03


def test_the_hierarchy_keeps_its_prime_and_each_book_has_its_own_codes() -> None:
    codec = small_model.codec()
    alphabet = Alphabet(BOOKS, small_model.CODES)
    config = NetworkConfig(words=4, causal=True, books=1, codes=alphabet.size, width=32, depth=1, heads=2)
    stages = {name: TokenNetwork(config).eval() for name in ("semantic", "coarse", "fine")}
    hierarchy = Hierarchy(codec, torch.randn(CENTRES, codec.config.dimensions), **stages)
    steps: list[tuple[int, int]] = []
    made = hierarchy.go_on(
        WORDS, clock(30), 30, generators(1), Sampling(), tokens()[:, :10], lambda *at: steps.append(at)
    )
    assert made.shape == (1, 30, BOOKS) and torch.equal(made[:, :10], tokens()[:, :10])
    assert int(made.min()) >= 0 and int(made.max()) < small_model.CODES
    assert steps[-1][0] == steps[-1][1] == 8 + 30 * BOOKS
    flat = alphabet.flat(tokens(), range(2))
    assert flat.shape == (1, 2 * FRAMES) and int(flat.min()) >= CENTRES and int(flat.max()) < alphabet.span(1)[1]
