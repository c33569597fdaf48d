// Clipbridge for ChucK: ask for a clip, wait until it is ready, load it into a SndBuf. See README.md.
//
//     Clipbridge clip;
//     clip.ask("deep warm kick", 1.0, "@preset drum");
//     clip.ended => now;
//     if (clip.load(buf)) 0 => buf.pos;
//
// One object has one job at a time; for several at once use several objects.
public class Clipbridge
{
    // ---- yours to change before the first ask ----
    "127.0.0.1" => string host;
    57200 => int port;
    0 => int replyPort; // the port for answers; 0: any free port
    0 => int quiet;     // 1: print nothing; error() still works

    // ---- yours to wait for ----
    Event there; // the clip is ready
    Event ended; // the job has ended, whatever the result

    // ---- ours ----
    "" => string _state;
    "" => string _prompt;
    "" => string _keys;
    "" => string _path;
    "" => string _error;
    "" => string _id;
    float _seconds;
    float _progress;
    int _frames;
    int _count;
    int _listening;
    int _sent;
    int _cancelled;
    int _mark; // makes this object's ids unique
    time _opened;
    time _heard;
    OscIn _in;
    OscMsg _message;
    OscOut _out;

    // ---- yours to call ----
    // Whether a job is in progress: while (clip.busy()) clip.ended => now;
    fun int busy() { return _state == "asked" || _state == "working"; }

    // Ask; returns at once. With 0 seconds, the keys set the length: "@bars 2 @bpm 126". The keys are those of generate,
    // written as in Pure Data and Max. The calling shred must live until the job ends. Returns 0 if a job is in progress.
    fun int ask(string prompt, float seconds) { return ask(prompt, seconds, ""); }

    fun int ask(string prompt, float seconds, string keys)
    {
        if (busy()) {
            _say("\"" + prompt + "\" was not asked for: this object is still waiting for \"" + _prompt + "\"; use another one");
            return 0;
        }
        prompt => _prompt;
        seconds => _seconds;
        keys => _keys;
        "asked" => _state;
        "" => _path => _error;
        0 => _progress;
        0 => _frames => _sent => _cancelled;
        spork ~ _job();
        return 1;
    }

    // "" before the first ask, then asked, working, and at the end done, failed, cancelled or unanswered
    fun string state() { return _state; }
    fun float progress() { return _progress; } // 0 to 1
    fun string path() { return _path; }        // "" until the clip is ready
    fun int frames() { return _frames; }       // the file's length
    fun string error() { return _error; }      // the reason, if there is no clip

    // Read the clip; silent until 0 => buf.pos. Returns 0 if there is no clip.
    fun int load(SndBuf buf)
    {
        if (_path == "") return 0;
        _path => buf.read;
        buf.samples() => buf.pos;
        return buf.samples() > 0;
    }

    fun void cancel()
    {
        if (busy()) {
            if (_sent) _send("/bridge/cancel");
            else 1 => _cancelled;
        }
    }

    // ---- ours ----

    fun void _say(string sentence)
    {
        if (!quiet) cherr <= "Clipbridge: " <= sentence <= IO.newline();
    }

    // One job, from request to end.
    fun void _job()
    {
        // Without a sound card, ChucK's time runs hundreds of times faster than real time.
        1.0 => float pace;
        if (!Machine.realtime()) 500.0 => pace;
        if (!_listening) {
            replyPort => _in.port;
            _in.listenAll();
            1 => _listening;
            now => _opened;
            Math.random2(1, 1000000000) => _mark;
        }
        // Another thread opens the port, and needs a moment before it receives.
        while (now < _opened + pace * 300::ms || (_in.port() <= 0 && now < _opened + pace * 2::second)) 5::ms => now;
        if (_in.port() <= 0) {
            0 => _listening;
            _end("failed", "port " + replyPort + " of this machine is taken by another program, so no answer can be heard");
            return;
        }
        if (_cancelled) { _end("cancelled", ""); return; }
        _count++;
        "chuck-" + _in.port() + "-" + _mark + "-" + _count => _id;
        now => _heard => time asked;
        asked => time looked;
        0 => int answered;
        1 => int asks;
        _ask();
        while (true) {
            5::ms => now;
            while (_in.recv(_message)) {
                if (_isOurs()) {
                    now => _heard;
                    1 => answered;
                    _handle();
                    if (!busy()) return;
                }
            }
            // No answer for a second: send it again. The same id is the same job, so no second clip is made.
            if (!answered && asks == 1 && now > asked + pace * 1::second) { 2 => asks; _ask(); }
            // Silence: a reply may be lost, so ask for the job's last event.
            if (answered && now > _heard + pace * 3::second && now > looked + pace * 3::second) {
                now => looked;
                _send("/bridge/job");
            }
            asked + pace * 2::second => time late;
            if (answered) _heard + pace * 5::second => late;
            if (now > late) {
                _end("unanswered", "");
                return;
            }
        }
    }

    // Send the ask as words: the prompt, the seconds, then keys. The daemon reads keys up to the first invalid one, so those
    // that say where the answer goes come before the user's.
    fun void _ask()
    {
        1 => _sent;
        _out.dest(host, port);
        _out.start("/bridge/generate/words");
        _out.add(_prompt);
        if (_seconds > 0) _out.add(_seconds);
        _out.add("@id");
        _out.add(_id);
        _out.add("@reply_port");
        _out.add(_in.port());
        // Words between spaces; a value in double quotes, such as a path, keeps its spaces.
        "" => string word;
        0 => int quoted;
        for (0 => int place; place < _keys.length(); place++) {
            _keys.charAt(place) => int letter;
            if (letter == 34) {
                !quoted => quoted;
            } else if (letter == 32 && !quoted) {
                if (word != "") _out.add(word);
                "" => word;
            } else {
                word + _keys.substring(place, 1) => word;
            }
        }
        if (word != "") _out.add(word);
        _out.send();
    }

    fun void _send(string address)
    {
        _out.dest(host, port);
        _out.start(address);
        _out.add(_id);
        _out.add("reply_port");
        _out.add(_in.port());
        _out.send();
    }

    // An error has no id, but its sentence names the unknown job.
    fun int _isOurs()
    {
        if (_message.address == "/bridge/error")
            return _text(0) == "/bridge/job" && _text(2).find("'" + _id + "'") >= 0;
        return _text(0) == _id;
    }

    fun string _text(int place)
    {
        if (place < _message.numArgs() && _message.typetag.charAt(place) == 's') return _message.getString(place);
        return "";
    }

    fun void _handle()
    {
        _message.address => string kind;
        if (kind == "/bridge/progress") {
            "working" => _state;
            _message.getFloat(1) => _progress;
        } else if (kind == "/bridge/queued") {
            "working" => _state;
        } else if (kind == "/bridge/done") {
            _text(1) => _path;
            for (3 => int place; place + 1 < _message.numArgs(); 2 +=> place) {
                if (_text(place) == "frames") _message.getInt(place + 1) => _frames;
                if (_text(place) == "remark") _say("\"" + _prompt + "\": " + _text(place + 1));
            }
            1 => _progress;
            _end("done", "");
        } else if (kind == "/bridge/failed") {
            _end("failed", _text(2));
        } else if (kind == "/bridge/cancelled") {
            _end("cancelled", "");
        } else if (kind == "/bridge/error") {
            _end("failed", "Clipbridge was restarted and does not know this clip: ask for it again.");
        }
    }

    fun void _end(string state, string why)
    {
        state => _state;
        why => _error;
        if (state == "failed") _say("\"" + _prompt + "\": " + why);
        if (state == "unanswered") {
            "Clipbridge does not answer on port " + port + ": start it with: clipbridge run" => _error;
            if (!quiet) cherr <= _error <= IO.newline();
        }
        if (state == "done") there.broadcast();
        ended.broadcast();
    }
}
