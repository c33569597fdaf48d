// chuck --srate:48000 Clipbridge.ck clipbridge-example.ck
// Makes two clips at once, a kick and a bar of shaker at 120 BPM, then plays the bar four times with the kick.
Clipbridge kick, bar;
SndBuf kickBuf => dac;
SndBuf barBuf => dac;
0.5 => barBuf.gain;

kick.ask("deep warm kick", 1.0, "@preset drum @seed 7");
bar.ask("shaker", 0, "@bars 1 @bpm 120");

fun void watch(Clipbridge clip)
{
    while (clip.busy()) {
        250::ms => now;
        <<< "bar:", clip.state(), clip.progress() >>>;
    }
}
spork ~ watch(bar);

while (kick.busy()) kick.ended => now;
while (bar.busy()) bar.ended => now;

if (kick.load(kickBuf) && bar.load(barBuf)) {
    <<< "PLAYS", kick.path() >>>;
    <<< "PLAYS", bar.path() >>>;
    for (0 => int n; n < 4; n++) {
        0 => barBuf.pos;
        for (0 => int beat; beat < 4; beat++) {
            0 => kickBuf.pos;
            500::ms => now;
        }
    }
}
