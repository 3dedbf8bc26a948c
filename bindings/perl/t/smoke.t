# The module against a server. The command, $REDILOCK_CLI, is the other process.
use strict;
use warnings;
use utf8;

use Config;
use POSIX  ();
use Redilock;
use Test::More;

my $cli = $ENV{REDILOCK_CLI} or plan skip_all => 'REDILOCK_CLI is not set';
my $client = Redilock->new(label => 'perl');

# Passes if the code dies with an error of this status; returns the error.
sub dies_with {
    my ($status, $code) = @_;
    my $lived = eval { $code->(); 1 };
    my $error = $@;
    ok !$lived && Redilock::Error::is($error, $status), "dies with $status" or diag $error;
    return $error;
}

# Asks until it is so; the test script ends what never is.
sub until_true {
    my ($code) = @_;
    1 until $code->();
    return;
}

sub waits { return $client->info('job')->{waiters} == $_[0] }

# Another process that holds a lock until its input is closed.
sub other_process {
    my ($name) = @_;
    open my $process, '|-', "$cli run --ttl 60s $name -- cat >/dev/null" or die $!;
    until_true(sub { $client->info($name)->{label} !~ /^(perl)?$/ });
    return $process;
}

subtest 'a lock is held and released' => sub {
    my $lock = $client->acquire('job', ttl => 30);
    ok $lock->is_held && $lock->name eq 'job';
    ok $lock->remaining > 0 && $lock->remaining <= 30;
    is $client->try_acquire('job'), undef;
    my $error = dies_with(HELD => sub { $client->acquire('job', wait => 0) });
    isa_ok $error, 'Redilock::Error::HELD';
    like $error->message, qr/held by perl/;
    like "$error", qr/held by perl.* at \S*smoke\.t line \d+/;
    $lock->release;
    ok !$lock->is_held && $lock->remaining == 0;
    dies_with(NOT_OWNER => sub { $lock->release });
    my $again = $client->try_acquire('job');
    cmp_ok $again->fence, '>', $lock->fence;
    $again->release;
};

subtest 'with_lock releases' => sub {
    my @results = $client->with_lock('job', ttl => 30, sub { ($_[0]->name, 2) });
    is_deeply \@results, ['job', 2];
    is scalar $client->with_lock('job', sub { 7 }), 7;
    is $client->info('job')->{state}, 'free';
    ok !eval { $client->with_lock('job', sub { die "mine\n" }); 1 };
    is $@, "mine\n";
    is $client->info('job')->{state}, 'free';
};

subtest 'a wait ends behind another process' => sub {
    my $process = other_process('job');
    dies_with(TIMEOUT => sub { $client->acquire('job', wait => 0.05) });
    is $client->try_acquire('job', wait => '50ms'), undef;
    local $SIG{USR1} = sub { close $process };
    my $child = fork // die $!;
    if (!$child) {
        my $own = Redilock->new;
        1 until $own->info('job')->{waiters} == 1;
        kill USR1 => getppid;
        POSIX::_exit(0);
    }
    my $lock = $client->acquire('job');    # the handler runs during the wait
    ok $lock->is_held;
    waitpid $child, 0;
    $lock->release;
};

subtest 'a handler that dies ends a wait' => sub {
    my $lock = $client->acquire('job');
    local $SIG{ALRM} = sub { die "alarm\n" };
    alarm 1;
    ok !eval { $client->acquire('job'); 1 };
    alarm 0;
    is $@, "alarm\n";
    until_true(sub { waits(0) });
    $lock->release;
};

subtest 'a handler that returns costs no place' => sub {
    my $lock = $client->acquire('job');
    my $behind = Redilock->new;
    my $second;
    local $SIG{USR1} = sub {
        $second = $behind->submit('job');
        until_true(sub { waits(2) });
        $lock->release;
    };
    my $child = fork // die $!;
    if (!$child) {
        my $own = Redilock->new;
        1 until $own->info('job')->{waiters} == 1;
        kill USR1 => getppid;
        POSIX::_exit(0);
    }
    my $first = $client->acquire('job');
    ok $second && $first->is_held && waits(1);
    waitpid $child, 0;
    $first->release;
    $behind->next(600)->{lock}->release;
};

subtest 'another process releases by the token' => sub {
    my $lock  = $client->acquire('job');
    my $token = $lock->token;
    dies_with(NOT_OWNER => sub { $client->release('job', 'redilock:nonsense') });
    $client->extend('job', $token, 90);
    is system($cli, 'release', 'job', $token), 0;
    is $client->info('job')->{state}, 'free';
    dies_with(LOST => sub { $lock->release });
};

subtest 'a loss is noticed' => sub {
    my $lock = $client->acquire('job', ttl => 30);
    $lock->watch;
    ok !$lock->wait_lost(0);
    is system($cli, 'break', '--yes', 'job'), 0;
    dies_with(LOST => sub { $lock->extend(60) });
    my $done = $client->next(600);
    is $done->{kind}, 'loss';
    is $done->{lock}, $lock;
    is $done->{error}->status, 'LOST';
    ok $lock->wait_lost && !$lock->is_held;
    like $lock->message, qr/job/;
    dies_with(LOST => sub { $client->with_lock('job', sub { $client->break_lock('job') }) });
    dies_with(NOT_OWNER => sub { $client->break_lock('job') });
    $lock = $client->acquire('job', ttl => 0.6, renew => 1, max_hold => 0.7);
    ok $lock->wait_lost;
    like $lock->message, qr/max_hold/;
};

subtest 'a lock is passed on' => sub {
    my $lock  = $client->acquire('job', ttl => 60);
    my $token = $lock->token;
    $lock->detach;
    dies_with(INVALID => sub { $lock->release });
    ok !$lock->is_held;
    my $other = Redilock->new(url => $ENV{REDILOCK_URL});
    $lock = $other->attach('job', $token, ttl => 90);
    cmp_ok $lock->remaining, '>', 60;
    $lock->release;
    dies_with(NOT_OWNER => sub { $other->attach('job', $token) });
};

subtest 'bad input is refused' => sub {
    dies_with(INVALID => sub { Redilock->new(url => 'nonsense://') });
    dies_with(INVALID => sub { Redilock->new(url => "redis://host\0name") });
    dies_with(INVALID => sub { Redilock->new(no_such_option => 1) });
    dies_with(INVALID => sub { Redilock->new(pool => 'many') });
    for my $name (undef, '', {}, 'redilock:x') {
        dies_with(INVALID => sub { $client->acquire($name) });
    }
    for my $ttl (0, -1, 'nan', 'inf', [], 'soon') {
        dies_with(INVALID => sub { $client->acquire('job', ttl => $ttl) });
    }
    dies_with(INVALID => sub { $client->acquire('job', renew => 'perhaps') });
    dies_with(INVALID => sub { $client->acquire('job', no_such_option => 1) });
    dies_with(INVALID => sub { $client->submit('job', ttl => 'soon') });
    is $client->info('job')->{state}, 'free';
};

subtest 'a name may hold any byte' => sub {
    for my $name ("\0\xFF bytes", 'größe') {
        my $lock = $client->acquire($name);
        utf8::encode(my $bytes = $name) if utf8::is_utf8($name);
        $bytes //= $name;
        is $lock->name, $bytes;
        is $client->try_acquire($bytes), undef;
        is_deeply [$client->names], [$bytes];
        $lock->release;
    }
};

subtest 'options reach the library' => sub {
    my %options = (prefix => 'app:', ttl => '20s', label => 'me', log => 16, username => undef);
    my $other   = Redilock->new(%options);
    my $lock    = $other->acquire('job', fence => !!0);
    ok $lock->fence == 0 && $lock->remaining <= 20;
    is $client->info('app:job')->{label}, 'me';
    ok $other->info('job')->{is}->($lock->token);
    ok !$other->info('job')->{is}->('x');
    $lock->release;
    is $other->stats->{acquired}, 1;
    my @lines = $other->log_lines;
    ok @lines && $lines[0]{level} eq 'info' && $lines[0]{time} > 1e9 && length $lines[0]{line};
    like $client->check, qr/Redis/;
    ok(Redilock->has('async') && !Redilock->has('no such feature'));
};

subtest 'requests wait in order' => sub {
    my $lock = $client->acquire('job');
    my ($first, $second, $third) = map { $client->submit('job') } 1 .. 3;
    until_true(sub { waits(3) });
    is $client->info('job')->{queue}[2]{label}, 'perl';
    is $first->position, 1;
    $second->cancel;
    my $done = $client->next(600);
    is $done->{request}, $second;
    is $done->{error}->status, 'CANCELLED';
    my $release = $lock->submit_release;
    my %seen = map { ($_->{request} => $_) } map { $client->next(600) } 1, 2;
    ok $seen{$release}{kind} eq 'release' && !$seen{$release}{error};
    my $held = $seen{$first}{lock};
    ok $held->is_held;
    my $extension = $held->submit_extend(90);
    is $client->next(600)->{request}, $extension;
    cmp_ok $held->remaining, '>', 60;
    $client->submit_info('job');
    is $client->next(600)->{info}{waiters}, 1;
    dies_with(TIMEOUT => sub { $client->acquire('job', wait => 0.05) });
    $held->drop;
    $done = $client->next(600);
    is $done->{request}, $third;
    $done->{lock}->release;
    is $client->next, undef;
};

subtest 'a lock that nobody refers to is released' => sub {
    $client->acquire('job');
    until_true(sub { $client->info('job')->{state} eq 'free' });
    pass;
};

subtest 'a child has a client of its own, and not the lock of its parent' => sub {
    my $lock = $client->acquire('job', ttl => 60);
    my $child = fork // die $!;
    if (!$child) {
        my $failed = eval { $lock->release; 1 } || !Redilock::Error::is($@, 'FORKED');
        $failed ||= $lock->is_held;
        $failed ||= $client->try_acquire('job');
        $failed ||= !$client->try_acquire('of the child');
        undef $lock;
        POSIX::_exit($failed ? 1 : 0);
    }
    waitpid $child, 0;
    is $?, 0;
    ok $lock->is_held;
    $lock->release;
};

subtest 'a thread gets no lock of the thread that made it' => sub {
    plan skip_all => 'Perl has no threads' unless $Config{useithreads};
    require threads;
    my $lock = $client->acquire('job', ttl => 60);
    threads->create(sub { 1 })->join;
    ok $lock->is_held;
    is $client->info('job')->{state}, 'held';
    $lock->release;
};

subtest 'a closed client says so' => sub {
    my $other   = Redilock->new;
    my $lock    = $client->acquire('job');
    my $request = $other->submit('job');
    until_true(sub { waits(1) });
    $other->close;
    is $other->next(600)->{error}->status, 'CLOSED';
    dies_with(CLOSED => sub { $other->next(600) });
    dies_with(CLOSED => sub { $other->acquire('job') });
    $lock->release;
};

done_testing;
