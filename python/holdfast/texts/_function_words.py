"""Words that name no matter: they are kept out of the names of topics, and out of nothing else.

What topics are learned from needs no such list, for frequent words count little there. In other
languages than these, names rest on what the texts tell alone.
"""

from __future__ import annotations

__all__ = ["FUNCTION_WORDS"]

_ENGLISH = """
    a about above after again against ago all already also although always am an and any are
    aren't as at be because been before being below between both but by came can can't cannot
    come could couldn't day days dear did didn't do does doesn't doing don't done down during
    each either else ever every few fine for from further get gets getting give go going good
    got great had hadn't has hasn't have haven't having he hello her here hers hey hi him his
    how however i i'd i'll i'm i've if in into is isn't it it's its itself just kind know last
    let like ll lot made make many may me might mine more morning most much must my myself need
    never no nor not nothing now of off on once one only or other our ours out over own please
    put quick quite rather re really regards same say see shall she should shouldn't since so
    some something soon still such take team tell tells than thank thanks that that's the their
    them then there there's these they thing things this those though through till time to today
    together too twice under until up us use very want wanted was wasn't way we week well went
    were weren't what what's when where whether which while who whom whose why will with within
    without won't would wouldn't yes yet you your yours
"""
_GERMAN = """
    ab aber alle allem allen aller alles als also am an andere auch auf aus bei beim bin bis
    bitte da damit dann das dass dein dem den denn der des die dies diese diesem diesen dieser
    dieses doch dort du durch ein eine einem einen einer eines er es etwas euch für gab ganz gar
    gegen geht gibt guten habe haben hallo hat hatte heute hier hätte ich ihm ihn ihnen ihr ihre
    ihrem ihren ihrer im immer in ist ja jede jeden jeder jetzt kann kein keine keinen können
    könnte leider liebe mal man mehr mein meine meinem meinen meiner mich mir mit muss nach
    nicht nichts noch nun nur ob oder ohne schon sehr sein seine seit sich sie sind so soll tag
    um und uns unser unter viel viele vielen vom von vor war warum was weil wenn wer werden wie
    wieder will wir wird wo wurde wäre würde zu zum zur über
"""
_FRENCH = """
    ai au aux avec bonjour ce ces cet cette comme dans de des du elle en est et eu il ils je la
    le les leur lui ma mais me merci mes moi mon ne nos notre nous on ou où par pas plus pour qu
    que qui sa sans se ses si son sont sur ta te tes très tu un une vos votre vous été être
"""
_SPANISH = """
    al algo como con cuando de del desde donde el ella en era es esta este esto está fue gracias
    ha hay he hola la las le les lo los me mi mis muy más no nos o para pero por porque que qué
    se ser si sin sobre son su sus también te tengo tu un una y ya yo
"""
_RUSSIAN = """
    а бы был была были было быть в вам вас ваш во вот все всё вы где да день для до добрый его
    ее если есть еще ещё её же за здравствуйте и из или им их к как ко когда кто ли меня мне мой
    моя мы на над не нет ни но о об он она они от очень по под пожалуйста после почему при с со
    спасибо так такой там то тоже только ты у уже хочу чем что чтобы эта эти это этот я
"""

FUNCTION_WORDS = frozenset(" ".join((_ENGLISH, _GERMAN, _FRENCH, _SPANISH, _RUSSIAN)).split())
