// Clipbridge for SuperCollider: asks the Clipbridge daemon for clips, loads and plays them. See README.md next to this folder.
//
// Clipbridge is the daemon, ClipbridgeClip a clip that you asked for, ClipbridgePad a pad of the daemon.

Clipbridge {
	classvar <host = "127.0.0.1", <port = 57200, <address;
	classvar <>verbose = true, <>panicOnCmdPeriod = true, <>latency;
	classvar <>onError, <>onState, <>onStream, <>onVoice;
	classvar <state, <streamState = \off, <streamAhead = 0, <clock;
	classvar open, sounding, pads, listeners, watching = false;
	classvar pingAge, subscribed = false, sinceRenewal = 0, serial = 0, session, clockWatcher, bars = 0;

	// A tick is a quarter of a second. Unanswered messages are sent again, because packets get lost.
	classvar <tickSeconds = 0.25, <againTicks = 3, <absentTicks = 7, <silentTicks = 12, <loadTicks = 120, <renewTicks = 80;

	*initClass {
		open = IdentityDictionary.new;
		sounding = IdentitySet.new;
		pads = IdentityDictionary.new;
		address = NetAddr(host, port);
		Class.initClassTree(Event);
		// Pbind(\type, \clipbridge, \pad, 3, \velocity, 0.8): a pad in a pattern, in time with the synths of the server.
		Event.addEventType(\clipbridge, { |server|
			var pad = Clipbridge.pad((~pad ? 0).value.asInteger), lag = ~latency.value ?? { server.latency } ? 0;
			pad.play((~velocity ? 1).value, ~quantize.value, lag);
			if(pad.gated) { thisThread.clock.sched(~sustain.value, { pad.letGo(lag); nil }) };
		});
	}

	// ---- where the daemon is ----

	*port_ { |number| port = number.asInteger; this.prMove }
	*host_ { |name| host = name.asString; this.prMove }

	*prMove {
		address = NetAddr(host, port);
		state = nil;
		if(subscribed) { this.prSubscribe };
	}

	// ---- clips ----

	*generate { |prompt, seconds, preset, note, bars, bpm, seed, takes, steps, guidance, negative, transcript, deadline_s,
		sink, gain, pan, quantize, load = true, server, action, onProgress, onError,
		key, loop, trim, fade_in_ms, fade_out_ms, lufs, format, bits, channels, reverse,
		vary, strength, parts, continue, fill, from, to, more, more_bars, lyrics, others|
		var clip, pairs = [
			preset: preset, note: note, bars: bars, bpm: bpm, seed: seed, takes: takes, steps: steps, guidance: guidance,
			negative: negative, transcript: transcript, deadline_s: deadline_s, sink: sink, gain: gain, pan: pan,
			quantize: quantize,
			key: key, loop: loop, trim: trim, fade_in_ms: fade_in_ms, fade_out_ms: fade_out_ms, lufs: lufs, format: format, bits: bits, channels: channels, reverse: reverse,
			vary: vary, strength: strength, parts: parts, continue: continue, fill: fill, from: from, to: to, more: more, more_bars: more_bars, lyrics: lyrics
		] ++ others;
		this.prListen;
		serial = serial + 1;
		// All ids have the same length, so that no id is part of another.
		clip = ClipbridgeClip.prNew(
			("sc" ++ session ++ "-" ++ serial.asString.padLeft(6, "0")).asSymbol, (prompt ? "").asString,
			load, server, action, onProgress, onError
		);
		open.put(clip.id, clip);
		this.prWatch;
		ClipbridgeSource.find(
			pairs,
			{ |found| clip.prAsk(this.prAsk(prompt, seconds, this.prKeys(found))) },
			{ |why| clip.prFail(\no_source, why) }
		);
		^clip
	}

	*cancel { open.copy.do { |clip| clip.cancel } }

	*clips { ^open.values.sort { |one, other| one.id.asString < other.id.asString } }

	// ---- SuperDirt ----

	// Fill the sample bank `bank` of a SuperDirt, so that TidalCycles plays s "bank:0", s "bank:1" …
	// This is SuperDirt's public DirtSoundLibrary.addBuffer(name, buffer, appendToExisting = false), documented for
	// the user's own sounds: https://github.com/musikinformatik/SuperDirt/blob/develop/classes/DirtSoundLibrary.sc
	*dirt { |dirt, bank, prompts, seconds, append = false, preset, note, bars, bpm, seed, steps, guidance, negative, transcript,
		deadline_s, action, onProgress, onError, key, loop, trim, fade_in_ms, fade_out_ms, lufs, format, bits, channels, reverse,
		vary, strength, parts, continue, fill, from, to, more, more_bars, lyrics, others|
		var server = dirt.server, left, clips, ended;
		bank = bank.asSymbol;
		prompts = if(prompts.isString or: { prompts.isKindOf(Symbol) }) { [prompts] } { prompts.asArray };
		if(server.serverRunning.not) {
			this.prFault("SuperDirt's server is not running: start SuperDirt first.", \no_server, onError);
			^nil
		};
		left = prompts.size;
		ended = {
			left = left - 1;
			if(left == 0) { this.prFillBank(dirt, bank, clips, append, action) };
		};
		// Replies are handled only after this method returns, when the language is free again.
		^clips = prompts.collect { |prompt|
			this.generate(prompt, seconds, preset, note, bars, bpm, seed, nil, steps, guidance, negative, transcript, deadline_s,
				server: server, onProgress: onProgress, action: ended, others: others,
				key: key, loop: loop, trim: trim, fade_in_ms: fade_in_ms, fade_out_ms: fade_out_ms, lufs: lufs, format: format, bits: bits, channels: channels, reverse: reverse,
				vary: vary, strength: strength, parts: parts, continue: continue, fill: fill, from: from, to: to, more: more, more_bars: more_bars, lyrics: lyrics,
				onError: { |why, clip| this.prCall(onError, why, clip); ended.value })
		}
	}

	*prFillBank { |dirt, bank, clips, append, action|
		if(clips.every { |clip| clip.buffer.isNil }) {
			this.prSay("all sounds for % failed: the bank is unchanged.".format(bank));
			^this
		};
		clips.do { |clip, place|
			// A sound that failed is silent, so bank:2 still means the third sound.
			var buffer = clip.prGiveAway ?? { Buffer.alloc(dirt.server, 4800, 1) };
			dirt.soundLibrary.addBuffer(bank, buffer, append or: { place > 0 });
		};
		this.prSay("the bank % has %: %".format(
			bank,
			if(append) { "at its end" } { "now" },
			clips.collect { |clip| clip.prompt + if(clip.hasFailed) { "(silent, it failed)" } { "" } }.join(", ")
		));
		this.prCall(action, clips);
	}

	// ---- pads, the stream, the tempo ----

	*pad { |number|
		number = number.asInteger;
		this.prListen;
		if(subscribed.not) { this.prSubscribe };
		if(pads[number].isNil) { pads[number] = ClipbridgePad.prNew(number) };
		^pads[number]
	}

	*streamStart { |prompt, seconds, preset, note, bars, bpm, seed, steps, guidance, negative, transcript, gain, pan, quantize,
		key, loop, trim, fade_in_ms, fade_out_ms, lufs, format, bits, channels, reverse,
		vary, strength, parts, continue, fill, from, to, more, more_bars, lyrics, others|
		this.prStream('/bridge/stream/start', prompt, seconds, [
			preset: preset, note: note, bars: bars, bpm: bpm, seed: seed, steps: steps, guidance: guidance, negative: negative,
			transcript: transcript, gain: gain, pan: pan, quantize: quantize,
			key: key, loop: loop, trim: trim, fade_in_ms: fade_in_ms, fade_out_ms: fade_out_ms, lufs: lufs, format: format, bits: bits, channels: channels, reverse: reverse,
			vary: vary, strength: strength, parts: parts, continue: continue, fill: fill, from: from, to: to, more: more, more_bars: more_bars, lyrics: lyrics
		] ++ others)
	}

	*streamSet { |prompt, seconds, preset, note, bars, bpm, seed, steps, guidance, negative, transcript, gain, pan, quantize,
		key, loop, trim, fade_in_ms, fade_out_ms, lufs, format, bits, channels, reverse,
		vary, strength, parts, continue, fill, from, to, more, more_bars, lyrics, others|
		this.prStream('/bridge/stream/set', prompt, seconds, [
			preset: preset, note: note, bars: bars, bpm: bpm, seed: seed, steps: steps, guidance: guidance, negative: negative,
			transcript: transcript, gain: gain, pan: pan, quantize: quantize,
			key: key, loop: loop, trim: trim, fade_in_ms: fade_in_ms, fade_out_ms: fade_out_ms, lufs: lufs, format: format, bits: bits, channels: channels, reverse: reverse,
			vary: vary, strength: strength, parts: parts, continue: continue, fill: fill, from: from, to: to, more: more, more_bars: more_bars, lyrics: lyrics
		] ++ others)
	}

	*streamStop { |fadeSeconds = 2| this.prTell('/bridge/stream/stop', [(fadeSeconds * 1000).max(5)]) }

	*prStream { |what, prompt, seconds, pairs|
		if(subscribed.not) { this.prSubscribe };
		ClipbridgeSource.find(
			pairs,
			{ |found| this.prTell(what, this.prAsk(prompt, seconds, this.prKeys(found))) },
			{ |why| this.prFault(why, \no_source) }
		);
	}

	// The daemon's tempo, for the key bars and for quantize: a TempoClock, or beats per minute.
	*tempo { |tempo, beatsPerBar, latency|
		if(tempo.isKindOf(TempoClock)) {
			beatsPerBar = beatsPerBar ? tempo.beatsPerBar;
			tempo = tempo.tempo * 60;
		};
		this.prTell('/bridge/tempo', [tempo] ++ (beatsPerBar !? { [beatsPerBar.asInteger] }), latency);
	}

	// Tempo and bars of a clock from now on: what the daemon plays with quantize begins when the server's synths do.
	*follow { |aClock|
		this.unfollow;
		clock = aClock ?? { TempoClock.default };
		clockWatcher = { |changed, what|
			if(what == \stop) { this.unfollow };
			if(what == \tempo or: { what == \meter }) { this.tempo(clock, latency: this.prClockLatency) };
		};
		clock.addDependant(clockWatcher);
		this.tempo(clock, latency: this.prClockLatency);
		this.prTell('/bridge/beat', [clock.beatInBar], this.prClockLatency);
		this.prNextBar;
	}

	*unfollow {
		clock !? { clock.removeDependant(clockWatcher) };
		clock = nil;
	}

	*prNextBar {
		var own = clock, number;
		bars = bars + 1;
		number = bars;
		// If a bar begins right now, use the next one. A new call to follow ends the previous one.
		own.schedAbs(own.nextBar(own.beats + 0.01), {
			if(clock === own and: { number == bars }) {
				address.sendBundle(this.prClockLatency, ['/bridge/beat', 0]);
				this.prNextBar;
			};
			nil
		});
	}

	*prClockLatency { ^Server.default.latency ? 0.05 }

	// Silence now, in the daemon and in SuperCollider. Sent at once, without latency.
	*panic {
		this.prTell('/bridge/stop');
		this.prQuiet;
	}

	*prQuiet { sounding.copy.do { |clip| clip.stop(0.005) } }

	*cmdPeriod {
		// Cmd-. has just cleared the clocks.
		watching = false;
		this.prWatch;
		clock !? { this.prNextBar };
		// Without a daemon there is nothing to silence, so do not check for an answer.
		if(panicOnCmdPeriod) { address.sendMsg('/bridge/stop'); this.prQuiet };
	}

	// ---- questions ----

	*status { |action| this.prQuestion('/bridge/status', { |values| (state: values[0]).putPairs(values.drop(1)) }, action) }
	*presets { |action| this.prQuestion('/bridge/presets', { |values| values }, action) }

	*prQuestion { |what, read, action|
		OSCFunc({ |message|
			var answer = read.value(message.drop(1));
			if(action.isNil) { this.prSay(answer) } { this.prCall(action, answer) };
		}, what).oneShot;
		this.prTell(what);
	}

	// ---- the wire ----

	// Without a prompt, the source says what it is.
	*prAsk { |prompt, seconds, keys| ^[(prompt ? "").asString] ++ (seconds !? { [seconds] }) ++ keys }

	*prKeys { |pairs|
		var keys = List.new;
		pairs.pairsDo { |key, value|
			if(value.notNil) { keys.add(key.asSymbol).add(if(value.isKindOf(Boolean)) { value.binaryValue } { value }) };
		};
		^keys.asArray
	}

	// Sends a command that has no reply, with a ping, whose answer shows that the daemon is running.
	*prTell { |what, values, lag|
		var message = [what] ++ values;
		this.prListen;
		if(lag.isNil) { address.sendMsg(*message) } { address.sendBundle(lag, message) };
		if(pingAge.isNil) {
			pingAge = 0;
			address.sendMsg('/bridge/ping');
			this.prWatch;
		};
	}

	*prSubscribe {
		subscribed = true;
		sinceRenewal = 0;
		this.prTell('/bridge/subscribe');
		address.sendMsg('/bridge/pads');
	}

	*prListen {
		if(listeners.notNil) { ^this };
		session = (Date.seed + 100000.rand).asInteger.bitAnd(0xFFFFFFF).asHexString(7);
		listeners = [\queued, \progress, \take, \done, \failed, \cancelled].collect { |what|
			this.prOn('/bridge/' ++ what, { |id ... values| this.prJob(what, id, values) })
		} ++ [
			this.prOn('/bridge/error', { |where, code, why| this.prError(where.asString, code, why.asString) }),
			this.prOn('/bridge/pong', {}),
			this.prOn('/bridge/state', { |name, why|
				if(state != name) { state = name; this.prCall(onState, name, why.asString) };
			}),
			this.prOn('/bridge/stream/state', { |name, ahead ... more|
				streamState = name;
				streamAhead = ahead;
				this.prCall(onStream, name, ahead, (more[1] ? "").asString);
			}),
			this.prOn('/bridge/voice', { |number, name, why| this.prCall(onVoice, number, name, why.asString) }),
			this.prOn('/bridge/audio', { |name, why|
				if(name != \open) { this.prFault("audio %: %".format(name, why), \no_audio) };
			}),
		];
		CmdPeriod.add(this);
		ServerQuit.add(this, \all);
	}

	*prOn { |what, function|
		^OSCFunc({ |message, time, from|
			// A daemon on another port may belong to another user.
			if(from.port == port) {
				pingAge = nil;
				function.value(*message.drop(1));
			}
		}, what).fix
	}

	*prJob { |what, id, values|
		var clip = open[id];
		if(clip.notNil) { ^clip.prHeard(what, values) };
		// One of our clips that was abandoned without an answer.
		if(#[\queued, \progress].includes(what) and: { id.asString.beginsWith("sc" ++ session) }) {
			address.sendMsg('/bridge/cancel', id);
		};
	}

	*prError { |where, code, why|
		var clip, pad;
		if(code == \unknown_job) {
			clip = open.detect { |each| why.contains(each.id.asString) };
			// It ended before our cancel arrived: ask how. A restarted daemon does not know our clips.
			clip !? {
				if(where == "/bridge/cancel") { clip.prQuestion } {
					clip.prFail(code, "Clipbridge was restarted and does not know this clip: ask again.")
				};
			};
			^this
		};
		if(where.beginsWith("/bridge/pad/")) { pad = pads[where.split($/)[3].asInteger] };
		this.prFault(why, code, pad !? { pad.onError });
	}

	*prWatch {
		if(watching) { ^this };
		watching = true;
		// In wall-clock time. In logical time, all ticks that a long evaluation has delayed would run at once, before the
		// answers that have arrived meanwhile, and the daemon would count as absent.
		SystemClock.schedAbs(Main.elapsedTime + tickSeconds, { this.prTick; nil });
	}

	*prTick {
		watching = false;
		open.copy.do { |clip| clip.prTick };
		ClipbridgeSource.prTick;
		if(pingAge.notNil) {
			pingAge = pingAge + 1;
			if(pingAge == againTicks) { address.sendMsg('/bridge/ping') };
			if(pingAge >= absentTicks) {
				pingAge = nil;
				state = \absent;
				this.prFault(this.absence, \no_answer);
				this.prCall(onState, state, this.absence);
			};
		};
		if(subscribed) {
			sinceRenewal = sinceRenewal + 1;
			if(sinceRenewal >= renewTicks) {
				// Its absence has been reported: try silently until it is back.
				if(state == \absent) { sinceRenewal = 0; address.sendMsg('/bridge/subscribe') } { this.prSubscribe };
			};
		};
		if(subscribed or: { open.notEmpty } or: { pingAge.notNil } or: { ClipbridgeSource.isWriting }) { this.prWatch };
	}

	*absence { ^"Clipbridge does not answer on port %: start it with: clipbridge run".format(port) }

	*prClosed { |clip| open.removeAt(clip.id) }
	*prSounds { |clip, flag| if(flag) { sounding.add(clip) } { sounding.remove(clip) } }
	*doOnServerQuit { |server| sounding.copy.do { |clip| clip.prForget(server) } }

	// ---- posts and errors ----

	*prSay { |text| ("Clipbridge:" + text).postln }

	*prFault { |why, code, function|
		("Clipbridge:" + why).warn;
		this.prCall(function ? onError, why, code);
	}

	// An error in the user's function must not stop ours.
	*prCall { |function ... arguments|
		function !? { try { function.value(*arguments) } { |error| error.reportError } };
	}
}

ClipbridgeClip {
	var <id, <prompt, wantsBuffer, <server, <>action, <>onProgress, <>onError;
	var ask, <state = \preparing, <progress = 0, <position, <eta, <path, <seconds, <seed, <voice, <code, <why, <facts, <takes;
	var <buffer, ticks = 0, waiting, synths, postedAt = 0, loads = 0, whenLoaded, whenEnded, readingSince;

	*prNew { |... arguments| ^super.newCopyArgs(*arguments).init }

	init {
		server = server ?? { Server.default };
		synths = IdentitySet.new;
		waiting = Condition({ this.hasEnded });
		facts = ();
		takes = [];
		whenLoaded = List.new;
		whenEnded = List.new;
	}

	hasFailed { ^#[\failed, \cancelled].includes(state) }
	hasEnded { ^state == \done or: { this.hasFailed } }

	// In a Routine: wait until the clip is ready, has failed or is cancelled. Returns the clip.
	wait { waiting.wait }

	cancel {
		case
		{ state == \preparing } { this.prCancelled }
		{ this.hasEnded.not and: { state != \loading } } { Clipbridge.address.sendMsg('/bridge/cancel', id) };
	}

	// ---- the buffer ----

	// Read the file into a buffer of the server, unless it has one; then loadedAction.(clip).
	load { |aServer, loadedAction|
		var now = Main.elapsedTime, number;
		if(aServer.notNil and: { aServer !== server }) { this.prForget(server); server = aServer };
		if(path.isNil) { ^this.prComplain("there is no file of \"%\" to load.".format(prompt)) };
		if(server.serverRunning.not) { ^this.prComplain("the server % is not running: boot it first.".format(server)) };
		if(buffer.notNil) { ^Clipbridge.prCall(loadedAction, this) };
		loadedAction !? { whenLoaded.add(loadedAction) };
		if(readingSince.notNil and: { now - readingSince < 30 }) { ^this };
		readingSince = now;
		loads = loads + 1;
		number = loads;
		// The server works in order: the buffer exists when the synth starts.
		this.prDefinition.send(server);
		Buffer.read(server, path, action: { |read| if(number == loads) { this.prLoaded(read) } { read.free } });
	}

	prLoaded { |read|
		var functions = whenLoaded;
		buffer = read;
		readingSince = nil;
		whenLoaded = List.new;
		Clipbridge.prSounds(this, true);
		if(state == \loading) { this.prFinish(\done, action) };
		functions.do { |function| Clipbridge.prCall(function, this) };
	}

	// Returns the synth, or nil if the clip must be loaded first or no server runs.
	play { |gain = 1, pan = 0, rate = 1, loop = false, quant, clock, out = 0, target|
		var synth, node = target ?? { server.defaultGroup }, arguments, lag;
		if(buffer.isNil) {
			this.load(nil, { this.play(gain, pan, rate, loop, quant, clock, out, target) });
			^nil
		};
		synth = Synth.basicNew(this.prName, server);
		arguments = [\bufnum, buffer.bufnum, \gain, gain, \pan, pan, \rate, rate, \loop, loop.binaryValue, \out, out];
		synths.add(synth);
		synth.onFree { synths.remove(synth) };
		if(quant.isNil) {
			server.sendBundle(nil, synth.newMsg(node, arguments));
		} {
			lag = server.latency;
			(clock ?? { TempoClock.default }).play({
				if(synths.includes(synth)) { server.sendBundle(lag, synth.newMsg(node, arguments)) };
				nil
			}, quant);
		};
		^synth
	}

	// Fade out without a click, and drop synths that wait for their beat.
	stop { |fadeSeconds = 0.02|
		synths.copy.do { |synth|
			if(synth.isPlaying) { synth.release(fadeSeconds) } {
				// On the way to the server, or waiting.
				synths.remove(synth);
				server.sendBundle(server.latency ? 0, ['/error', -1], synth.releaseMsg(fadeSeconds), ['/error', -2]);
			};
		};
		voice !? { Clipbridge.address.sendMsg('/bridge/voice/' ++ voice ++ '/stop', (fadeSeconds * 1000).max(5)) };
	}

	// Free the buffer after the sound has faded out. The file stays; play loads it again.
	free {
		var old = buffer;
		old !? {
			this.stop;
			this.prForget(server);
			SystemClock.sched(0.5, { old.free; nil });
		};
	}

	prForget { |aServer|
		if(aServer === server) {
			buffer = nil;
			loads = loads + 1;
			readingSince = nil;
			whenLoaded = List.new;
			synths.clear;
			Clipbridge.prSounds(this, false);
		};
	}

	prGiveAway {
		var old = buffer;
		this.prForget(server);
		^old
	}

	prChannels { ^facts[\channels] ? 1 }
	prName { ^"clipbridge" ++ this.prChannels }

	// Plays the exact samples of the file while gain is 1, pan 0 and rate 1; a fade-in would soften drums.
	prDefinition {
		var channels = this.prChannels;
		^SynthDef(this.prName, { |bufnum, gain = 1, pan = 0, rate = 1, loop = 0, gate = 1, out = 0|
			var sound = PlayBuf.ar(channels, bufnum, BufRateScale.kr(bufnum) * rate, loop: loop, doneAction: 2);
			var level = Lag.kr(gain, 0.02) * EnvGen.kr(Env([1, 0], [0.02], \lin, 0), gate, doneAction: 2);
			var place = Lag.kr(pan, 0.02);
			if(channels < 3) { sound = sound.asArray.wrapExtend(2) * [1 - place.max(0), 1 + place.min(0)] };
			Out.ar(out, sound * level);
		})
	}

	// ---- events ----

	// The source is known: ask now.
	prAsk { |values|
		if(this.hasEnded.not) {
			ask = values;
			state = \asked;
			ticks = 0;
			this.prSend;
		};
	}

	prSend { Clipbridge.address.sendMsg('/bridge/generate', *(ask ++ [\id, id])) }
	prQuestion { Clipbridge.address.sendMsg('/bridge/job', id) }

	prHeard { |what, values|
		ticks = 0;
		switch(what,
			\queued, {
				position = values[0];
				eta = values[1];
				seed = (().putPairs(values.drop(2)))[\seed];
				if(state == \asked) {
					state = \queued;
					this.prSay("is queued% %".format(
						if(position > 0) { ", % before it".format(position) } { "" },
						if(eta > 0) { "(about % s)".format(eta.round(0.1)) } { "" }
					));
					postedAt = Main.elapsedTime;
				};
			},
			\progress, {
				state = \working;
				progress = values[0];
				if(Main.elapsedTime - postedAt > 2) {
					postedAt = Main.elapsedTime;
					this.prSay("% %".format((progress * 100).round(1).asInteger, "%"));
				};
				Clipbridge.prCall(onProgress, progress, this);
			},
			\take, {
				if(takes.any { |take| take.take == values[0] }.not) {
					takes = takes.add((take: values[0], path: values[1].asString, score: values[2]).putPairs(values.drop(3)));
				};
			},
			\done, { if(state != \loading) { this.prDone(values) } },
			\failed, { this.prFail(values[0], values[1].asString) },
			\cancelled, { this.prCancelled }
		);
	}

	prCancelled {
		code = \cancelled;
		why = "cancelled";
		this.prSay(why);
		this.prFinish(\cancelled, onError, why);
	}

	prDone { |values|
		var heard, remark;
		facts = ().putPairs(values.drop(2));
		seconds = values[1];
		seed = facts[\seed];
		voice = facts[\voice];
		progress = 1;
		path = values[0].asString;
		if(path.isEmpty) { path = nil };  // it was only played
		heard = (facts[\heard] ? "").asString;
		remark = (facts[\remark] ? "").asString;
		if(heard.notEmpty) { heard = " (heard: %)".format(heard) };
		if(remark.notEmpty) { remark = "; " ++ remark };
		this.prSay("%%%".format(path ? "sounds", heard, remark));
		if(wantsBuffer and: { path.notNil } and: { server.serverRunning }) {
			state = \loading;
			this.load;
		} {
			this.prFinish(\done, action)
		};
	}

	prFail { |aCode, sentence|
		if(this.hasEnded) { ^this };
		code = aCode;
		why = sentence;
		("Clipbridge: %: %".format(this.prTitle, why)).warn;
		this.prFinish(\failed, onError ? Clipbridge.onError, why);
	}

	// Ends the job. The function is called with the clip last: action.(clip), onError.(why, clip).
	prFinish { |end, function, sentence|
		state = end;
		Clipbridge.prClosed(this);
		waiting.signal;
		whenEnded.do { |each| each.value };
		whenEnded.clear;
		if(sentence.isNil) { Clipbridge.prCall(function, this) } { Clipbridge.prCall(function, sentence, this) };
	}

	prWhenEnded { |function| whenEnded.add(function) }

	prTick {
		ticks = ticks + 1;
		case
		{ state == \preparing } {}  // a server writes a buffer, or another clip is made
		{ state == \asked } {
			// The same id and arguments are the same job.
			if(ticks == Clipbridge.againTicks) { this.prSend };
			if(ticks >= Clipbridge.absentTicks) { this.prFail(\no_answer, Clipbridge.absence) };
		}
		{ state == \loading } {
			if(ticks >= Clipbridge.loadTicks) {
				this.prForget(server);
				this.prFail(\not_loaded, "the clip is ready, but the server % did not load it: %".format(server, path));
			};
		} {
			// Silence is normal while a job waits; but a reply may be lost, or the daemon may have stopped.
			if(ticks == Clipbridge.silentTicks or: { ticks == (Clipbridge.silentTicks + Clipbridge.againTicks) }) { this.prQuestion };
			if(ticks >= (Clipbridge.silentTicks + Clipbridge.absentTicks)) { this.prFail(\no_answer, Clipbridge.absence) };
		};
	}

	prSay { |text| if(Clipbridge.verbose) { Clipbridge.prSay("% %".format(this.prTitle, text)) } }
	prTitle { ^if(prompt.isEmpty) { "the clip" } { "\"%\"".format(prompt) } }
	prComplain { |sentence| Clipbridge.prFault(sentence, \no_server) }

	printOn { |stream| stream << "ClipbridgeClip(" <<< prompt << ", " << state << ", " << (path ? "no file") << ")" }
}

ClipbridgePad {
	var <number, <>onState, <>onSaved, <>onError, <state = \empty, <ready = 0, <repeated = 0, <progress = 0, <why = "", <gated = false, <prompt;

	*prNew { |number| ^super.newCopyArgs(number).init }

	init {
		Clipbridge.prOn(this.prAddress(\state), { |name, value ... more|
			var facts;
			state = name;
			ready = if(name == \ready) { value.asInteger } { 0 };
			progress = if(name == \filling) { value } { ready.sign };
			facts = IdentityDictionary.new;
			more.pairsDo { |key, fact| facts[key.asSymbol] = fact };
			repeated = facts[\repeated] ? 0;
			why = (facts[\why] ? "").asString;
			Clipbridge.prCall(onState, name, value, this);
		});
		Clipbridge.prOn(this.prAddress(\saved), { |path, fault|
			if(path.asString.isEmpty) { Clipbridge.prFault(fault.asString, \disk, onError) } {
				if(Clipbridge.verbose) { Clipbridge.prSay("pad % is saved: %".format(number, path)) };
				Clipbridge.prCall(onSaved, path.asString, this);
			};
		});
	}

	set { |aPrompt, seconds, preset, note, bars, bpm, seed, steps, guidance, negative, transcript, gain, pan, quantize, gate,
		key, loop, trim, fade_in_ms, fade_out_ms, lufs, format, bits, channels, reverse,
		vary, strength, parts, continue, fill, from, to, more, more_bars, lyrics, others|
		prompt = (aPrompt ? "").asString;
		gated = (gate == 1) or: { gate == true };
		ClipbridgeSource.find([
			preset: preset, note: note, bars: bars, bpm: bpm, seed: seed, steps: steps, guidance: guidance, negative: negative,
			transcript: transcript, gain: gain, pan: pan, quantize: quantize, gate: gate,
			key: key, loop: loop, trim: trim, fade_in_ms: fade_in_ms, fade_out_ms: fade_out_ms, lufs: lufs, format: format, bits: bits, channels: channels, reverse: reverse,
			vary: vary, strength: strength, parts: parts, continue: continue, fill: fill, from: from, to: to, more: more, more_bars: more_bars, lyrics: lyrics
		] ++ others,
			{ |found| Clipbridge.prTell(this.prAddress(\set), Clipbridge.prAsk(prompt, seconds, Clipbridge.prKeys(found))) },
			{ |why| Clipbridge.prFault(why, \no_source, onError) }
		);
	}

	play { |velocity = 1, quantize, latency|
		Clipbridge.prTell(this.prAddress(\play), [velocity] ++ (quantize !? { [\quantize, quantize.asSymbol] }), latency ? Clipbridge.latency)
	}

	// The end of a pad that was set with gate: 1.
	letGo { |latency| Clipbridge.prTell(this.prAddress(\play), [0], latency ? Clipbridge.latency) }
	stop { |latency| Clipbridge.prTell(this.prAddress(\stop), nil, latency ? Clipbridge.latency) }
	clear { gated = false; prompt = nil; Clipbridge.prTell(this.prAddress(\clear)) }
	lock { |flag = true| Clipbridge.prTell(this.prAddress(\lock), [if(flag.isNumber) { flag } { flag.binaryValue }]) }
	save { Clipbridge.prTell(this.prAddress(\save)) }

	prAddress { |what| ^("/bridge/pad/" ++ number ++ "/" ++ what).asSymbol }

	printOn { |stream| stream << "ClipbridgePad(" << number << ", " << (prompt ? "?") << ", " << state << ")" }
}
