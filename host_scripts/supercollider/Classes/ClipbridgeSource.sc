// What vary, continue and fill start from: a Buffer, a ClipbridgeClip, or what names a file, in the form that the daemon reads.

ClipbridgeSource {
	classvar writing, count = 0, session;
	classvar <writeTicks = 120;  // of Clipbridge.tickSeconds, until a server must have written a buffer

	*initClass { writing = IdentityDictionary.new }

	// Calls then.(pairs) with texts instead of buffers and clips, at once, unless a buffer must be written or a clip must be finished
	// first; or otherwise.(sentence), later. pairs: [key, value, …].
	*find { |pairs, then, otherwise, from = 0|
		var at = from;
		while { at < pairs.size and: { this.prIsName(pairs[at], pairs[at + 1]).not } } { at = at + 2 };
		if(at >= pairs.size) { ^then.value(pairs) };
		this.prName(pairs[at + 1], { |name| this.find(pairs.copy.put(at + 1, name), then, otherwise, at + 2) }, otherwise);
	}

	// A number is for a stream: continue: 1.
	*prIsName { |key, value|
		^#[\vary, \continue, \fill].includes(key.asSymbol) and: { value.notNil } and: { value.isNumber.not }
	}

	*prName { |thing, then, otherwise|
		case
		{ thing.isKindOf(Buffer) } { this.prBuffer(thing, then, otherwise) }
		{ thing.isKindOf(ClipbridgeClip) } { this.prClip(thing, then, otherwise) }
		{ thing.isKindOf(PathName) } { then.value(this.prText(thing.fullPath)) }
		{ then.value(this.prText(thing.asString)) };
	}

	// last, clip:NUMBER and voice:NUMBER stay; ~ is the home folder; other paths begin at the file that is evaluated, if it was saved.
	*prText { |text|
		var path, file = thisProcess.nowExecutingPath;
		if("^(last|[0-9]*|(clip|voice):[0-9]+)$".matchRegexp(text)) { ^text };
		path = text.standardizePath;
		if(path[0].isPathSeparator or: { path[1] == $: }) { ^path };
		^(file !? { file.dirname } ?? { File.getcwd }) +/+ path
	}

	*prClip { |clip, then, otherwise|
		case
		{ clip.hasEnded.not } { clip.prWhenEnded { this.prClip(clip, then, otherwise) } }
		{ clip.path.notNil } { then.value(clip.path) }
		{ clip.voice.notNil } { then.value("voice:" ++ clip.voice.asInteger) }
		{ this.prLater(otherwise, "\"%\" has no sound to start from: %".format(clip.prompt, clip.why ? "it was not written")) };
	}

	// The file that a buffer was read from, if it is all of it; otherwise a file that the server writes.
	*prBuffer { |buffer, then, otherwise|
		var file = buffer.path !? { buffer.path.asString.standardizePath };
		if(file.notNil and: { this.prHolds(file, buffer) }) { ^then.value(file) };
		if(buffer.bufnum.isNil) { ^this.prLater(otherwise, "this Buffer was freed: there is no sound to start from.") };
		if(buffer.server.serverRunning.not) {
			^this.prLater(otherwise, "the server % is not running, so it cannot write the Buffer: boot it first.".format(buffer.server))
		};
		if(writing[buffer].isNil) { this.prWrite(buffer) };
		writing[buffer][\waiting].add([then, otherwise]);
	}

	*prHolds { |path, buffer|
		var file, equal;
		if(path[0].isPathSeparator.not and: { path[1] != $: } or: { File.exists(path).not }) { ^false };
		file = SoundFile.openRead(path);
		if(file.isNil) { ^false };
		equal = file.numFrames == buffer.numFrames and: { file.numChannels == buffer.numChannels };
		file.close;
		^equal
	}

	*prWrite { |buffer|
		var path, listeners;
		session = session ?? { (Date.seed + 100000.rand).asInteger.bitAnd(0xFFFFFFF).asHexString(7).toLower };
		count = count + 1;
		path = Platform.defaultTempDir +/+ "sound-%-%.wav".format(session, count);
		listeners = [
			OSCFunc({ this.prWritten(buffer, { |functions| functions[0].value(path) }) }, '/done', buffer.server.addr,
				argTemplate: ['/b_write', buffer.bufnum]),
			OSCFunc({ |message|
				this.prWritten(buffer, { |functions| functions[1].value("the server cannot write the Buffer: %".format(message[2])) })
			}, '/fail', buffer.server.addr, argTemplate: ['/b_write']),
		];
		listeners.do { |listener| listener.permanent = true };
		writing[buffer] = (waiting: List.new, listeners: listeners, ticks: 0);
		buffer.write(path, "wav", "float");
		Clipbridge.prWatch;
	}

	*prWritten { |buffer, function|
		var entry = writing.removeAt(buffer);
		entry !? {
			entry[\listeners].do { |listener| listener.free };
			entry[\waiting].do(function);
		};
	}

	*isWriting { ^writing.notEmpty }

	*prTick {
		writing.keys.copy.do { |buffer|
			writing[buffer][\ticks] = writing[buffer][\ticks] + 1;
			if(writing[buffer][\ticks] >= writeTicks) {
				this.prWritten(buffer, { |functions| functions[1].value("the server % did not write the Buffer.".format(buffer.server)) });
			};
		};
	}

	// After the method that is running, as an answer of the daemon would come.
	*prLater { |function, sentence| SystemClock.sched(0, { function.value(sentence); nil }) }
}
