"""A small MusicGen with random weights, in the layout of the published ones."""

from __future__ import annotations

from pathlib import Path

import torch


def saved(folder: Path, channels: int = 1) -> Path:
    """T5, EnCodec and the decoder with four codebooks, as transformers saves them, with a model card."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers
    from transformers import (
        EncodecConfig,
        EncodecFeatureExtractor,
        EncodecModel,
        MusicgenForCausalLM,
        MusicgenForConditionalGeneration,
        MusicgenProcessor,
        PreTrainedTokenizerFast,
        T5Config,
        T5EncoderModel,
    )
    from transformers.models.musicgen.configuration_musicgen import MusicgenDecoderConfig

    torch.manual_seed(3)
    words = Tokenizer(models.Unigram())
    words.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=60, special_tokens=["<pad>", "</s>", "<unk>"], unk_token="<unk>", show_progress=False
    )
    words.train_from_iterator(["house loop", "kick drum", "a warm pad at 120 bpm"] * 20, trainer)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=words, pad_token="<pad>", eos_token="</s>", unk_token="<unk>")
    text = T5Config(vocab_size=64, d_model=32, d_kv=8, d_ff=64, num_layers=1, num_heads=4, decoder_start_token_id=0)
    codec = EncodecConfig(
        num_filters=4, hidden_size=16, codebook_size=64, codebook_dim=16, sampling_rate=32_000,
        upsampling_ratios=[8, 5, 4, 4], target_bandwidths=[1.2], num_lstm_layers=1, normalize=False, chunk_length_s=None,
    )  # fmt: skip
    decoder = MusicgenDecoderConfig(
        vocab_size=64, num_hidden_layers=2, ffn_dim=64, num_attention_heads=4, hidden_size=32,
        num_codebooks=4 * channels, audio_channels=channels, max_position_embeddings=2_048,
        pad_token_id=64, bos_token_id=64, decoder_start_token_id=64,
    )  # fmt: skip
    network = MusicgenForConditionalGeneration(
        text_encoder=T5EncoderModel(text), audio_encoder=EncodecModel(codec), decoder=MusicgenForCausalLM(decoder)
    )
    for layer in network.audio_encoder.quantizer.layers:
        layer.codebook.embed.normal_()
    settings = network.generation_config
    settings.decoder_start_token_id = settings.pad_token_id = settings.bos_token_id = 64
    settings.guidance_scale, settings.max_length, settings.do_sample = 3.0, 1_500, True
    extractor = EncodecFeatureExtractor(sampling_rate=32_000, padding_side="left", feature_size=channels)
    network.save_pretrained(folder)
    MusicgenProcessor(feature_extractor=extractor, tokenizer=tokenizer).save_pretrained(folder)
    (folder / "README.md").write_text("---\nlicense: cc-by-nc-4.0\n---\n# small\n", "utf-8")
    return folder
