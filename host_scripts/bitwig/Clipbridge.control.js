// Clipbridge in Bitwig Studio: words become a clip in the launcher. How to install and use it: README.md next to this file.
// Written for Bitwig's controller API 18 (Bitwig Studio 5), in old JavaScript that every engine of Bitwig understands.

loadAPI(18);

var DAEMON_PORT = 57200; // clipbridge run prints it
var ANSWER_PORT = 57201; // Bitwig sends from a port on which it does not listen, so answers go here
var TRACKS = 64;
var SLOTS = 32;

var LOOK_MS = 250;
var AGAIN_MS = 700; // the daemon answers within milliseconds; the same request again is the same job
var NO_ANSWER_MS = 2000;
var SILENCE_MS = 5000; // then ask for the job's last event
var GONE_MS = 12000;
var INSERT_MS = 2000; // by then Bitwig shows the clip in its slot, or has refused it

host.defineController("Clipbridge", "Clipbridge", "1.0", "5e0f3f0a-7f0b-4c43-9d0e-3b1c9d2a6c11", "Clipbridge");
host.defineMidiPorts(0, 0);

var connection = null;
var bank = null;
var cursors = []; // for each track of the bank: is it the selected one?
var jobs = {}; // by id
var filling = {}; // slots that Bitwig is filling: time of the end
var settings = { sound: "", length: "", preset: "", takes: "1", vary: "" };
var tempo = 120;
var numerator = 4;
var denominator = 4;
var counter = 0;

function say(text) {
   host.showPopupNotification("Clipbridge: " + text);
   host.println("Clipbridge: " + text);
}

function now() {
   return new Date().getTime();
}

// ---- the panel ----

function follow(setting, key) {
   setting.addValueObserver(function (value) {
      settings[key] = String(value);
   });
}

// Seconds of "2 bars", "3 beats", "1.5 s" or "1.5"; null for nothing; NaN for anything else.
function secondsOf(text) {
   var length = text.trim().toLowerCase().replace(",", ".");
   if (length === "") return null;
   var parts = /^(\d+(?:\.\d+)?|\.\d+)\s*(bars?|beats?|s|sec|seconds?|)$/.exec(length);
   if (!parts) return NaN;
   var count = parseFloat(parts[1]);
   if (parts[2].indexOf("ba") === 0) return (count * numerator * 4 / denominator * 60) / tempo;
   if (parts[2].indexOf("be") === 0) return (count * 60) / tempo;
   return count;
}

// The strength in "0.4"; null for nothing; NaN for anything else.
function strengthOf(text) {
   var strength = text.trim().replace(",", ".");
   if (strength === "") return null;
   var number = /^(\d+(?:\.\d*)?|\.\d+)$/.test(strength) ? parseFloat(strength) : NaN;
   return number <= 1 ? number : NaN;
}

function selectedTrack() {
   for (var i = 0; i < TRACKS; i++) {
      if (bank.getItemAt(i).exists().get() && cursors[i].get()) return i;
   }
   return -1;
}

function make() {
   var prompt = settings.sound.trim();
   var strength = strengthOf(settings.vary);
   // A variation is as long as the last clip.
   var seconds = strength === null ? secondsOf(settings.length) : null;
   var index = selectedTrack();
   if (connection === null) return say("Port " + ANSWER_PORT + " is held by another program. Change ANSWER_PORT in the script");
   if (strength !== null && !(strength >= 0)) return say("'" + settings.vary + "' is no strength: 0 is the last clip, 1 a new sound");
   if (prompt === "" && strength === null) return say("write into Sound what it should sound like");
   if (seconds !== null && !(seconds > 0)) return say("the length '" + settings.length + "' is not understood: 2 bars, 3 beats, 1.5 s");
   if (index < 0) return say("select an audio track among the first " + TRACKS);
   var track = bank.getItemAt(index);
   var kind = String(track.trackType().get());
   if (kind !== "Audio" && kind !== "Hybrid") return say(track.name().get() + " takes no audio clips: select an audio track");
   counter += 1;
   // toString makes a plain string; joined strings are other objects in some of Bitwig's engines.
   var id = ((now() % 1e9) * 1000 + counter).toString(36);
   var ask = ["/bridge/generate", prompt];
   if (seconds !== null) ask.push(seconds);
   ask.push("id", id, "reply_port", ANSWER_PORT, "takes", settings.takes.trim() === "" ? "1" : settings.takes.trim());
   if (settings.preset.trim() !== "") ask.push("preset", settings.preset.trim());
   if (strength !== null) ask.push("vary", "last", "strength", strength);
   jobs[id] = {
      prompt: prompt === "" ? "a variation" : prompt, track: index, name: String(track.name().get()), ask: ask, paths: [],
      last: now(), answered: false, again: false
   };
   send(ask);
   say(jobs[id].prompt + " ...");
   host.scheduleTask(function () { check(id); }, LOOK_MS);
}

function cancelAll() {
   var any = false;
   for (var id in jobs) {
      any = true;
      send(["/bridge/cancel", id, "reply_port", ANSWER_PORT]);
   }
   return any;
}

// ---- the daemon ----

// Bitwig's methods are not JavaScript functions and have no `apply`: there is a line for each number of arguments.
function send(m) {
   try {
      switch (m.length) {
         case 4: connection.sendMessage(m[0], m[1], m[2], m[3]); break;
         case 8: connection.sendMessage(m[0], m[1], m[2], m[3], m[4], m[5], m[6], m[7]); break;
         case 9: connection.sendMessage(m[0], m[1], m[2], m[3], m[4], m[5], m[6], m[7], m[8]); break;
         case 10: connection.sendMessage(m[0], m[1], m[2], m[3], m[4], m[5], m[6], m[7], m[8], m[9]); break;
         case 11: connection.sendMessage(m[0], m[1], m[2], m[3], m[4], m[5], m[6], m[7], m[8], m[9], m[10]); break;
         case 12: connection.sendMessage(m[0], m[1], m[2], m[3], m[4], m[5], m[6], m[7], m[8], m[9], m[10], m[11]); break;
         case 14: connection.sendMessage(m[0], m[1], m[2], m[3], m[4], m[5], m[6], m[7], m[8], m[9], m[10], m[11], m[12], m[13]); break;
         default: throw new Error("a message of " + m.length + " parts");
      }
   } catch (error) {
      host.errorln("Clipbridge: " + error); // like a lost packet: the missing answer is reported
   }
}

function end(id, text) {
   delete jobs[id];
   if (text) say(text);
}

function check(id) {
   var job = jobs[id];
   if (!job) return;
   var silent = now() - job.last;
   if (!job.answered && silent > NO_ANSWER_MS) {
      return end(id, "Clipbridge does not answer on port " + DAEMON_PORT + ": start it with: clipbridge run");
   }
   if (silent > GONE_MS) return end(id, "Clipbridge has stopped answering. Is it still running?");
   if (!job.again && silent > (job.answered ? SILENCE_MS : AGAIN_MS)) {
      job.again = true;
      send(job.answered ? ["/bridge/job", id, "reply_port", ANSWER_PORT] : job.ask);
   }
   host.scheduleTask(function () { check(id); }, LOOK_MS);
}

// A handler that calls `work` with the message's job, if it is ours.
function about(work) {
   return function (source, message) {
      try {
         var id = String(message.getString(0));
         var job = jobs[id];
         if (!job) return;
         job.last = now();
         job.answered = true;
         job.again = false;
         work(job, message, id);
      } catch (error) {
         host.errorln("Clipbridge: " + error);
      }
   };
}

function onError(source, message) {
   try {
      if (String(message.getString(1)) !== "unknown_job") return;
      for (var id in jobs) {
         // The daemon was restarted and does not know the job. Its sentence contains the id.
         if (jobs[id].again && String(message.getString(2)).indexOf(id) >= 0) end(id, "it was restarted. Ask again");
      }
   } catch (error) {
      host.errorln("Clipbridge: " + error);
   }
}

// ---- clips ----

// The current index of the track that was selected for the job; null if it is gone.
function trackOf(job) {
   var same = bank.getItemAt(job.track);
   if (same.exists().get() && String(same.name().get()) === job.name) return job.track;
   var match = null;
   for (var i = 0; i < TRACKS; i++) {
      var track = bank.getItemAt(i);
      if (track.exists().get() && String(track.name().get()) === job.name) {
         if (match !== null) return null; // two tracks have that name: use neither
         match = i;
      }
   }
   return match;
}

function insert(job, path) {
   var index = trackOf(job);
   if (index === null) return say("the track is gone. The clip is here: " + path);
   var slots = bank.getItemAt(index).clipLauncherSlotBank();
   for (var i = 0; i < SLOTS; i++) {
      var key = index + "/" + i;
      var slot = slots.getItemAt(i);
      if (slot.exists().get() && !slot.hasContent().get() && !(filling[key] > now())) {
         filling[key] = now() + INSERT_MS;
         slot.replaceInsertionPoint().insertFile(path);
         confirm(job, path, slot, i);
         return;
      }
   }
   say("all slots of " + job.name + " are full. The clip is here: " + path);
}

function confirm(job, path, slot, i) {
   host.scheduleTask(function () {
      if (slot.hasContent().get()) say(job.prompt + " is in " + job.name + ", slot " + (i + 1));
      else say("Bitwig did not take the clip. It is here: " + path);
   }, INSERT_MS);
}

// ---- Bitwig ----

function init() {
   var state = host.getDocumentState();
   follow(state.getStringSetting("Sound", "Clipbridge", 200, "deep warm kick"), "sound");
   follow(state.getStringSetting("Length (2 bars, 3 beats, 1.5 s)", "Clipbridge", 20, "1 bar"), "length");
   follow(state.getStringSetting("Preset (drum, note, loop ... or empty)", "Clipbridge", 30, ""), "preset");
   follow(state.getStringSetting("Takes (1 to 16)", "Clipbridge", 2, "1"), "takes");
   follow(state.getStringSetting("Vary the last clip (0 to 1, or empty)", "Clipbridge", 10, ""), "vary");
   state.getSignalSetting("Make a clip", "Clipbridge", "Make").addSignalObserver(make);
   state.getSignalSetting("Cancel all", "Clipbridge", "Cancel").addSignalObserver(function () {
      if (!cancelAll()) say("nothing is being made");
   });

   var transport = host.createTransport();
   transport.tempo().value().addRawValueObserver(function (value) { tempo = value; });
   transport.timeSignature().numerator().addValueObserver(function (value) { numerator = value; });
   transport.timeSignature().denominator().addValueObserver(function (value) { denominator = value; });

   var cursor = host.createCursorTrack("clipbridge", "Clipbridge", 0, 0, true);
   bank = host.createMainTrackBank(TRACKS, 0, SLOTS);
   for (var i = 0; i < TRACKS; i++) {
      var track = bank.getItemAt(i);
      track.exists().markInterested();
      track.name().markInterested();
      track.trackType().markInterested();
      cursors[i] = track.createEqualsValue(cursor);
      cursors[i].markInterested();
      for (var j = 0; j < SLOTS; j++) {
         track.clipLauncherSlotBank().getItemAt(j).exists().markInterested();
         track.clipLauncherSlotBank().getItemAt(j).hasContent().markInterested();
      }
   }

   var osc = host.getOscModule();
   var space = osc.createAddressSpace();
   space.registerMethod("/bridge/queued", "*", "accepted", about(function (job, message) {
      var before = message.getInt(1);
      if (before > 0) say(job.prompt + ": " + before + " before it");
   }));
   space.registerMethod("/bridge/progress", "*", "progress", about(function () {}));
   space.registerMethod("/bridge/take", "*", "one of several takes", about(function (job, message) {
      job.paths.push(String(message.getString(2)));
   }));
   space.registerMethod("/bridge/done", "*", "the clip is ready", about(function (job, message, id) {
      end(id, "");
      if (job.paths.length === 0) job.paths.push(String(message.getString(1)));
      for (var i = 0; i < job.paths.length; i++) insert(job, job.paths[i]);
   }));
   space.registerMethod("/bridge/failed", "*", "there is no clip", about(function (job, message, id) { end(id, String(message.getString(2))); }));
   space.registerMethod("/bridge/cancelled", "*", "cancelled", about(function (job, message, id) { end(id, job.prompt + " is cancelled"); }));
   space.registerMethod("/bridge/error", "*", "error without a job", onError);
   try {
      osc.createUdpServer(ANSWER_PORT, space); // listen before sending
      connection = osc.connectToUdpServer("127.0.0.1", DAEMON_PORT, null);
   } catch (error) {
      connection = null;
      host.errorln("Clipbridge: " + error);
   }
}

function flush() {}

function exit() {
   if (connection !== null) cancelAll();
}
