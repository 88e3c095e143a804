from lib import *
import argparse, json, random
A=argparse.ArgumentParser()
A.add_argument('--net',default='gaze'); A.add_argument('--W',type=int,default=64); A.add_argument('--D',type=int,default=2)
A.add_argument('--steps',type=int,default=1000); A.add_argument('--lr',type=float,default=3e-3)
A.add_argument('--T',type=float,default=.3); A.add_argument('--wg',type=float,default=1.); A.add_argument('--wp',type=float,default=.5); A.add_argument('--wc',type=float,default=.5)
A.add_argument('--wd',type=float,default=.01); A.add_argument('--coco',type=int,default=0); A.add_argument('--threads',type=int,default=1)
A.add_argument('--out',default=None); A.add_argument('--seed',type=int,default=0); A.add_argument('--drop',type=float,default=0.)
A.add_argument('--scene',type=float,default=.5)
a=A.parse_args(); torch.set_num_threads(a.threads); torch.manual_seed(a.seed); rnd=random.Random(a.seed)
ps,sl,tg=load_targets(); ix={str(p.path):i for i,p in enumerate(ps)}
mos=[]; 
for f in sorted(Path('/tmp/exp').glob(f'f_{a.net}_mosaics*.pt')):
    d=load(f); lo=int(f.stem.split('_')[-1]); mt=mosaic_targets(ps,tg,d['paths'],lo+len(d['feats']))[lo:]
    mos+=list(zip(d['feats'],mt))
print('mosaic batches',len(mos))
gz=load(f'/tmp/exp/f_{a.net}_gaze.pt'); recs={str(r.path):r for r in read_records(D/'fixations')}
coco=load(f'/tmp/exp/f_{a.net}_coco.pt'); f1=load(f'/tmp/exp/f_{a.net}_fold1.pt')
cps={str(p.path):p for p in find_coco(D/'coco')}; lps={str(p.path):p for p in find_photos(D/'train')}
def groups(paths,feats,keep):
    g={}
    for p,f in zip(paths,feats):
        if keep(p): g.setdefault(tuple(f[0].shape),[]).append((p,f))
    return list(g.values())
G=groups(gz['paths'],gz['feats'],lambda p:fold_of(Path(p).name)>1)
learn=lambda p: coco_fold_of(Path(p).name)!=0 
CO=groups(coco['paths'],coco['feats'],lambda p: learn(p)) if a.coco else []
def draw(gs,n):
    g=rnd.choices(gs,[len(x) for x in gs])[0]; return [rnd.choice(g) for _ in range(n)]
def stack(items):
    fs=[torch.stack([i[1][j] for i in items]).float() for j in range(3)]
    return fs
def scene_targets(items,flip):
    t=[ix[p] for p,_ in items]; w=tg.windows[t].copy()
    if flip: w[...,[0,2]]=1-w[...,[2,0]]
    return [torch.from_numpy(x) for x in (w,tg.presence[t],tg.known[t])],t
def cell_t(t,flip,hw):
    c=torch.from_numpy(tg.cells[t].astype(np.float32)/255); k=torch.from_numpy(tg.cells_known[t])
    if flip: c,k=c.flip(-1),k.flip(-1)
    h,w=hw[0]//2,hw[1]//2
    return Fn.interpolate(c,size=(h,w),mode='bilinear'),Fn.interpolate(k.float(),size=(h,w),mode='nearest')>.5
H=Head(a.W,a.D)
f0=mos[0][0]; H.init(*(t.float() for t in f0))
from oldnet import load_old
N,OS,_=load_old(('/tmp/exp/orig/msroi.safetensors' if a.net=='gaze' else '/tmp/exp/orig/msroi_weak.safetensors'))
with torch.no_grad(): H.py.copy_(N.log_prior_y); H.px.copy_(N.log_prior_x)
if a.net=='weak' or a.wg==0:
    for q in (H.py,H.px,H.logw): q.requires_grad=False
else:
    with torch.no_grad(): H.logw[:,1:]=2.
big=[q for n,q in H.named_parameters() if n in('logw','py','px') and q.requires_grad]
rest=[q for n,q in H.named_parameters() if n not in('logw','py','px')]
opt=torch.optim.AdamW([{'params':rest,'lr':a.lr,'weight_decay':a.wd}]+([{'params':big,'lr':a.lr*5,'weight_decay':0.}] if big else []))
sch=torch.optim.lr_scheduler.OneCycleLR(opt,[g['lr'] for g in opt.param_groups],total_steps=a.steps,pct_start=.15)
ema={k:v.clone() for k,v in H.state_dict().items()}
t0=time.time(); order=[]
for step in range(a.steps):
    if not order: order=list(range(len(mos))); rnd.shuffle(order)
    fe,(win,pr,kn,ce,ck)=mos[order.pop()]
    fe=[t.float() for t in fe]
    if a.drop: fe[2]=Fn.dropout2d(fe[2],a.drop); fe[1]=Fn.dropout2d(fe[1],a.drop)
    m=H.maps(*fe)
    lp=presence_loss(m,win,pr,kn); lc=cells_loss(m,ce,ck)
    loss=a.wp*lp+a.wc*lc
    lg=torch.zeros(())
    flip=rnd.random()<.5
    if a.wg and a.net=='gaze':
        it=draw(G,8); fs=stack(it); 
        m=H.maps(*fs); s=H.sal(m,a.T)
        den=torch.from_numpy(np.stack([fixation_density(recs[p].fixations,*s.shape[1:]) for p,_ in it]))
        lg=gaze_loss(s,den); (w,q,k),t=scene_targets(it,False)
        loss=loss+a.wg*lg+a.scene*a.wp*presence_loss(m,w,q,k)
        c,k=cell_t(t,False,s.shape[1:]); loss=loss+a.scene*a.wc*cells_loss(m,c,k)
    if CO and step%2==0:
        it=draw(CO,6); fs=stack(it); m=H.maps(*fs); (w,q,k),t=scene_targets(it,False)
        loss=loss+a.wp*presence_loss(m,w,q,k); c,k=cell_t(t,False,m.shape[3:]); loss=loss+a.wc*cells_loss(m,c,k)
    opt.zero_grad(); loss.backward(); nn.utils.clip_grad_norm_(H.parameters(),1.); opt.step(); sch.step()
    d=min(.99,(step+1)/(step+10))
    for k,v in H.state_dict().items(): ema[k].lerp_(v,1-d)
    if step%100==0 or step==a.steps-1: print(step,f'{time.time()-t0:.0f}s pres {lp:.3f} cells {lc:.3f} gaze {float(lg):.3f}',flush=True)
H.load_state_dict(ema); H.eval()
# eval
res={}
cp=[cps[p] for p in coco['paths']]; sel=[i for i,p in enumerate(cp) if p.fold!=0]
Z=eval_presence(H,[coco['feats'][i] for i in sel]); P,K=coco_truth([cp[i] for i in sel]); r=mean_ap(Z,P,K,4)
print('COCO learn-half mAP(>=4)',np.mean(list(r.values())),{k:round(v,2) for k,v in r.items()}, 'present@T',((Z>a.T)).sum(1).mean())
lp_=[lps[p] for p in f1['paths']]; Z1=eval_presence(H,f1['feats']); P1,K1=labelled_truth(lp_); r1=mean_ap(Z1,P1,K1)
print('fold1 mAP',np.mean(list(r1.values())),{k:round(v,2) for k,v in r1.items()})
lab=[i for i,p in enumerate(lp_) if p.present]
for T in (.05,.1,.2,.3,.5,1.):
    n=(Z1[lab]>T).sum(1); ok=np.mean([any(Z1[i,c]>T for c in range(C) if P1[i,c]) for i in lab])
    print('T',T,'present mean',n.mean(),'1-4',((n>=1)&(n<=4)).mean(),'right',ok,'coco n',(Z>T).sum(1).mean())
if a.net=='gaze':
    old=[];new=[];new0=[]
    with torch.no_grad():
        for p,f in zip(gz['paths'],gz['feats']):
            if fold_of(Path(p).name)!=1: continue
            f=[t[None].float() for t in f]; r=recs[p]
            om=N.saliency(Fn.conv2d(f[0],OS['classes.weight'],OS['classes.bias']).clamp(max=10).exp().reshape(1,22,2,*f[0].shape[2:]))[0].numpy()
            m=H.maps(*f); s=H.sal(m,a.T)[0].numpy(); s0=H.sal(m,0.)[0].numpy()
            c,rr=(r.fixations*s.shape[::-1]).astype(int).T; fx=(rr,c)
            for li,x in ((old,om),(new,s),(new0,s0)): li.append((r.set,nss(x,fx),(x[fx]>np.quantile(x,.75)).mean()))
    for nm,li in (('old',old),('new',new),('T=0',new0)):
        print(nm,{k:(round(np.mean([x[1] for x in li if x[0]==k]),3),round(np.mean([x[2] for x in li if x[0]==k]),4)) for k in('osie','crowd','sun')})
if a.out: torch.save({'state':H.state_dict(),'W':a.W,'D':a.D,'T':a.T},a.out)
